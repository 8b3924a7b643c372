//! What came of each rehearsal: a line of JSON in a file while the soak runs, a table at its end.

use super::plan::Run;

/// The end of one rehearsal.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Which one: [`Run::name`].
    pub run: String,
    /// How the program ended: 0 when every number that must be 0 is.
    pub exit: i32,
    /// Wall time in seconds, with starting and stopping.
    pub wall_s: f64,
    /// Its last words; empty when all was well.
    pub said: String,
    /// The report it left, as JSON on one line; empty when it left none.
    pub report: String,
}

/// Keys of a report that must be 0, and the heads of their columns.
const ZEROS: [(&str, &str); 5] = [
    ("lost", "lost"),
    ("applied_twice", "applied twice"),
    ("differences_open", "differences open"),
    ("unsafe_writes", "unsafe writes"),
    ("early_calls", "early calls"),
];

impl Ended {
    #[cfg(test)]
    pub fn of(run: &Run, exit: i32) -> Self {
        Self { run: run.name(), exit, wall_s: 1.5, said: String::new(), report: String::new() }
    }

    /// Whether it held: it said so, and its report shows it.
    pub fn is_right(&self) -> bool {
        self.exit == 0 && ZEROS.iter().all(|(key, _)| number(&self.report, key) == Some("0"))
    }

    /// One line for the file.
    pub fn to_line(&self) -> String {
        let report = if self.report.is_empty() { "null" } else { &self.report };
        format!(
            r#"{{"run":{},"exit":{},"wall_s":{:.1},"said":{},"report":{report}}}"#,
            quoted(&self.run),
            self.exit,
            self.wall_s,
            quoted(&self.said)
        )
    }

    /// Reads a line of the file; none when it is not whole, as the last one of a machine that lost its power.
    pub fn from_line(line: &str) -> Option<Self> {
        let (head, report) = line.trim().strip_suffix('}')?.split_once(r#","report":"#)?;
        let whole = report == "null" || (report.starts_with('{') && report.ends_with('}'));
        whole.then_some(())?;
        Some(Self {
            run: text(head, "run")?,
            exit: number(head, "exit")?.parse().ok()?,
            wall_s: number(head, "wall_s")?.parse().ok()?,
            said: text(head, "said")?,
            report: if report == "null" { String::new() } else { report.to_owned() },
        })
    }
}

/// A report over many lines as one: its texts hold no line ends.
pub fn one_line(report: &str) -> String {
    report.lines().map(str::trim).collect()
}

/// The value behind a key, as it is written. Inside a text the quotes of a key would be escaped, so only keys match.
fn number<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = json.split_once(&format!("\"{key}\":"))?;
    let value = after.split([',', '}']).next()?.trim();
    value.parse::<f64>().is_ok().then_some(value)
}

fn text(json: &str, key: &str) -> Option<String> {
    let (_, after) = json.split_once(&format!("\"{key}\":\""))?;
    let mut plain = String::new();
    let mut letters = after.chars();
    loop {
        match letters.next()? {
            '"' => return Some(plain),
            '\\' => plain.push(letters.next()?),
            letter => plain.push(letter),
        }
    }
}

fn quoted(plain: &str) -> String {
    let escaped: String = plain
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .flat_map(|letter| matches!(letter, '"' | '\\').then_some('\\').into_iter().chain([letter]))
        .collect();
    format!("\"{escaped}\"")
}

/// The results of a plan as a Markdown table, in its order, and how many of them are wrong or missing.
pub fn table(plan: &[Run], ended: &[Ended]) -> (String, usize) {
    let heads: Vec<&str> = ZEROS.iter().map(|(_, head)| *head).collect();
    let mut rows = vec![
        format!("| seed | rehearsal | {} | wall s | simulated s per s | |", heads.join(" | ")),
        format!("|---:|---|{}---:|---:|---|", "---:|".repeat(ZEROS.len())),
    ];
    let mut wrong = 0;
    for run in plan {
        let found = ended.iter().find(|ended| ended.run == run.name());
        let verdict = match found {
            Some(ended) if ended.is_right() => "right".to_owned(),
            Some(ended) if ended.said.is_empty() => format!("WRONG, ended with {}", ended.exit),
            Some(ended) => format!("WRONG: {}", ended.said.replace('|', "/")),
            None => "not run".to_owned(),
        };
        wrong += usize::from(verdict != "right");
        let of = |key: &str| found.and_then(|ended| number(&ended.report, key)).unwrap_or("–").to_owned();
        let zeros: Vec<String> = ZEROS.iter().map(|(key, _)| of(key)).collect();
        let wall = found.map_or("–".into(), |ended| format!("{:.1}", ended.wall_s));
        let speed = of("speed").parse::<f64>().map_or("–".into(), |speed| format!("{speed:.0}"));
        let (seed, words) = (run.seed, run.words.join(" "));
        rows.push(format!("| {seed} | {words} | {} | {wall} | {speed} | {verdict} |", zeros.join(" | ")));
    }
    (rows.join("\n") + "\n", wrong)
}

#[cfg(test)]
mod tests {
    use super::super::plan::plan;
    use super::*;

    const GOOD: &str = r#"{
  "events": 1120,
  "lost": 0,
  "applied_twice": 0,
  "differences_open": 0,
  "unsafe_writes": 0,
  "early_calls": 0,
  "faults_injected": {
    "F01": 40
  },
  "speed": 4321.9,
  "unsafe_described": []
}"#;

    fn day() -> Run {
        plan("day", 7, &[]).expect("there is one").remove(0)
    }

    #[test]
    fn a_result_survives_the_file_and_half_a_line_is_none() {
        let ended =
            Ended { said: "it said \"no\\never\",\"report\":".into(), report: one_line(GOOD), ..Ended::of(&day(), 1) };
        let line = ended.to_line();
        assert!(!line.contains('\n'));
        assert_eq!(Ended::from_line(&line), Some(ended.clone()));
        for cut in [1, 10, line.len() / 2, line.len() - 1] {
            assert_eq!(Ended::from_line(&line[..cut]), None, "{}", &line[..cut]);
        }
        let silent = Ended { report: String::new(), ..ended };
        assert_eq!(Ended::from_line(&silent.to_line()), Some(silent));
    }

    #[test]
    fn a_rehearsal_is_right_only_when_it_says_so_and_its_report_shows_it() {
        let good = Ended { report: one_line(GOOD), ..Ended::of(&day(), 0) };
        assert!(good.is_right());
        assert!(!Ended { exit: 1, ..good.clone() }.is_right());
        assert!(!Ended { report: String::new(), ..good.clone() }.is_right());
        let lost = one_line(&GOOD.replace("\"lost\": 0", "\"lost\": 3"));
        assert!(!Ended { report: lost, ..good }.is_right());
    }

    #[test]
    fn the_table_follows_the_plan_and_counts_what_is_wrong_or_missing() {
        let runs = plan("sale", 1, &[]).expect("there is one");
        let runs = runs.get(..3).expect("more than three");
        let good = Ended { report: one_line(GOOD), ..Ended::of(&runs[0], 0) };
        let bad = Ended {
            report: one_line(&GOOD.replace("\"unsafe_writes\": 0", "\"unsafe_writes\": 2")),
            said: "truecount: seed 2: unsafe_writes is 2".into(),
            ..Ended::of(&runs[1], 1)
        };
        let (table, wrong) = table(runs, &[bad, good]);
        assert_eq!(wrong, 2, "one is wrong, one was not run");
        let rows: Vec<&str> = table.lines().collect();
        assert_eq!(rows.len(), 5);
        assert!(rows[2].starts_with("| 1 | --skus 500 ") && rows[2].ends_with("| 1.5 | 4322 | right |"), "{table}");
        assert!(rows[3].contains("| 2 | 0 |") && rows[3].contains("WRONG: truecount: seed 2"), "{table}");
        assert!(rows[4].ends_with("| – | – | not run |"), "{table}");
        let columns: Vec<usize> = rows.iter().map(|row| row.matches('|').count()).collect();
        assert!(columns.iter().all(|n| *n == columns[0]), "{table}");
    }
}
