//! One stylesheet from `style/main.css` and the partials it imports, in the order it names them.
//!
//! `@import "file.css";` and `@import "file.css" layer(name);` are inlined; comments and indentation
//! go. Nothing else is touched: what a person wrote is what the browser gets.

use std::fs;
use std::path::Path;

use crate::Outcome;

/// Reads `main` and returns the whole sheet.
pub fn bundle(main: &Path) -> Outcome<String> {
    let folder = main.parent().unwrap_or(Path::new("."));
    let mut sheet = String::new();
    inline(main, folder, &mut sheet, 0)?;
    Ok(squeeze(&sheet))
}

fn inline(file: &Path, folder: &Path, sheet: &mut String, depth: u8) -> Outcome {
    if depth > 4 {
        return Err(format!("{}: imports nested too deeply", file.display()));
    }
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    for line in squeeze(&text).lines() {
        let Some(rest) = line.trim().strip_prefix("@import") else {
            sheet.push_str(line);
            sheet.push('\n');
            continue;
        };
        let (name, layer) = import(rest).ok_or_else(|| format!("{}: cannot read {line:?}", file.display()))?;
        if let Some(layer) = layer {
            sheet.push_str(&format!("@layer {layer} {{\n"));
        }
        inline(&folder.join(name), folder, sheet, depth + 1)?;
        if layer.is_some() {
            sheet.push_str("}\n");
        }
    }
    Ok(())
}

/// The file and the layer that an `@import` names.
fn import(rest: &str) -> Option<(&str, Option<&str>)> {
    let rest = rest.trim().strip_suffix(';')?.trim();
    let rest = rest.strip_prefix("url(").map_or(rest, |inner| inner.trim_start());
    let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let (name, after) = rest.get(1..)?.split_once(quote)?;
    let after = after.trim().trim_start_matches(')').trim();
    if after.is_empty() {
        return Some((name, None));
    }
    Some((name, Some(after.strip_prefix("layer(")?.strip_suffix(')')?.trim())))
}

/// Takes out comments, indentation and empty lines; strings stay as they are.
fn squeeze(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut quote = None;
    while let Some(letter) = rest.next() {
        match quote {
            Some(open) => {
                bare.push(letter);
                if letter == '\\' {
                    bare.extend(rest.next());
                } else if letter == open {
                    quote = None;
                }
            }
            None if letter == '/' && rest.peek() == Some(&'*') => {
                rest.next();
                let mut before = ' ';
                for inside in rest.by_ref() {
                    if before == '*' && inside == '/' {
                        break;
                    }
                    before = inside;
                }
            }
            None => {
                if matches!(letter, '"' | '\'') {
                    quote = Some(letter);
                }
                bare.push(letter);
            }
        }
    }
    let lines = bare.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.fold(String::with_capacity(bare.len()), |mut sheet, line| {
        sheet.push_str(line);
        sheet.push('\n');
        sheet
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_indentation_go_and_strings_stay() {
        assert_eq!(squeeze("a {\n  /* why */ content: \"/* kept */\";\n\n}"), "a {\ncontent: \"/* kept */\";\n}\n");
        assert_eq!(squeeze("/**/b{}/***/"), "b{}\n");
    }

    #[test]
    fn an_import_names_a_file_and_perhaps_a_layer() {
        assert_eq!(import(" \"tokens.css\";"), Some(("tokens.css", None)));
        assert_eq!(import(" url('ui.css') layer(ui);"), Some(("ui.css", Some("ui"))));
        assert_eq!(import(" \"print.css\" print;"), None);
    }
}
