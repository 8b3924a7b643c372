//! Percent-encoding as signatures and addresses want it: only unreserved characters stay as they are.

/// Encodes everything but letters, digits, `-`, `.`, `_` and `~`; a space becomes `%20`, never `+`.
pub(super) fn encode(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let digit = |n: u8| DIGITS.get(usize::from(n)).copied().map_or('0', char::from);
            out.push('%');
            out.push(digit(byte >> 4));
            out.push(digit(byte & 15));
        }
    }
    out
}

/// Decodes `%XX`; `+` stays a plus, what is no code stays as it is, and bytes that are no text become the mark for that.
pub(super) fn decode(text: &str) -> String {
    decode_only(text, |_| true)
}

/// Decodes those codes whose byte `which` names.
pub(super) fn decode_only(text: &str, which: impl Fn(u8) -> bool) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = match (*first, after) {
            (b'%', [high, low, ..]) => byte(*high, *low).filter(|byte| which(*byte)),
            _ => None,
        };
        match code {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|n| u8::try_from(n).ok());
    Some(digit(high)? * 16 + digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_is_unreserved_stays() {
        assert_eq!(encode("AB/12 X~é+&[0]"), "AB%2F12%20X~%C3%A9%2B%26%5B0%5D");
        assert_eq!(decode("a+b%20c%2zd%"), "a+b c%2zd%");
        assert_eq!(decode_only("%2F%20%C3%A5", |byte| byte == b'/'), "/%20%C3%A5");
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(text in ".{0,40}") {
            prop_assert_eq!(decode(&encode(&text)), text);
        }
    }
}
