//! Numbers as text: signs, thousands, and words that agree with their number.

use leptos::prelude::*;
use truecount::domain::money::group;

/// "1,204", "−3".
pub fn plain(n: i64) -> String {
    let sign = if n < 0 { "−" } else { "" };
    format!("{sign}{}", group(n.unsigned_abs()))
}

/// "+2", "−4", "0".
pub fn signed(n: i64) -> String {
    if n > 0 { format!("+{}", plain(n)) } else { plain(n) }
}

/// "1 unit", "14 units": number and word stick together.
pub fn counted(n: i64, one: &str, many: &str) -> String {
    format!("{}\u{a0}{}", plain(n), if n == 1 { one } else { many })
}

/// "98.6 %" from tenths of a percent.
pub fn permille(n: i64) -> String {
    format!("{}.{}\u{a0}%", n / 10, (n % 10).abs())
}

/// A cell of the sum with its label for narrow screens, where rows are stacked; zero is grey, `strong` is the key
/// column.
pub fn count_cell(label: &'static str, n: i64, strong: bool) -> AnyView {
    view! { <td role="cell" class=class_of(n, strong) data-label=label>{plain(n)}</td> }.into_any()
}

/// A term of the sum that is left out of a stacked row while it is zero.
pub fn term_cell(label: &'static str, n: i64) -> AnyView {
    let class = if n == 0 { "num zero term" } else { "num term" };
    view! { <td role="cell" class=class data-label=label>{plain(n)}</td> }.into_any()
}

/// A cell that always carries its sign.
pub fn difference_cell(label: &'static str, n: i64) -> AnyView {
    view! { <td role="cell" class=class_of(n, n != 0) data-label=label>{signed(n)}</td> }.into_any()
}

/// A cell for a number nobody has read yet.
pub fn not_read_cell(label: &'static str) -> AnyView {
    dash("num zero", label, "not read yet")
}

/// A cell for a number that an item without a twin does not have.
pub fn no_cell(label: &'static str) -> AnyView {
    dash("num zero", label, "none, not linked")
}

/// The same for a term of the sum.
pub fn no_term_cell() -> AnyView {
    dash("num zero term", "", "none, not linked")
}

fn dash(class: &'static str, label: &'static str, said: &'static str) -> AnyView {
    view! { <td role="cell" class=class data-label=label><span aria-hidden="true">"–"</span><span class="unseen">{said}</span></td> }
        .into_any()
}

/// The class of a numeric cell.
pub fn class_of(n: i64, strong: bool) -> &'static str {
    match (n, strong) {
        (_, true) => "num strong",
        (0, false) => "num zero",
        _ => "num",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_carry_real_signs_and_thousands() {
        for (n, plainly, with_sign) in [
            (0, "0", "0"),
            (2, "2", "+2"),
            (-4, "−4", "−4"),
            (1_904, "1,904", "+1,904"),
            (i64::MIN, "−9,223,372,036,854,775,808", "−9,223,372,036,854,775,808"),
        ] {
            assert_eq!((plain(n).as_str(), signed(n).as_str()), (plainly, with_sign));
        }
        assert_eq!(counted(1, "unit", "units"), "1\u{a0}unit");
        assert_eq!(counted(14, "unit", "units"), "14\u{a0}units");
        assert_eq!(permille(986), "98.6\u{a0}%");
        assert_eq!(permille(1000), "100.0\u{a0}%");
    }
}
