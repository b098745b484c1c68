//! What an audit has found, for the terminal.

use zoo_schema::{Audit, AuditFinding, AuditKind, AuditedImage};

use crate::figure::thousands;
use crate::table::table;

/// How many images of a group are named.
const NAMED: usize = 3;

/// A table per kind of finding, of at most `top` lines, below a line that says how many there are; or a line that says that nothing was
/// found.
#[must_use]
pub fn audit_tables(audit: &Audit, top: usize) -> String {
    let looked_at = format!(
        "{}: {} training and {} test images of {} classes",
        audit.dataset,
        thousands(audit.train),
        thousands(audit.test),
        audit.classes.len()
    );
    if audit.findings.is_empty() {
        return format!("{looked_at}: nothing found");
    }
    let tables = AuditKind::ALL.into_iter().filter_map(|kind| of_kind(audit, kind, top));
    std::iter::once(looked_at).chain(tables).collect::<Vec<_>>().join("\n\n")
}

/// What is said above the findings of a kind: `near duplicates: 1,234, of which 243 across train and test`.
#[must_use]
pub fn audit_title(audit: &Audit, kind: AuditKind) -> String {
    let count = thousands(audit.of(kind).count());
    match audit.of(kind).filter(|finding| finding.is_across()).count() {
        0 => format!("{}: {count}", kind.title()),
        across => format!("{}: {count}, of which {} across train and test", kind.title(), thousands(across)),
    }
}

fn of_kind(audit: &Audit, kind: AuditKind, top: usize) -> Option<String> {
    let count = audit.of(kind).count();
    let has_images = audit.of(kind).any(|finding| !finding.images.is_empty());
    let mut table = if has_images {
        table(["severity", "images", "class", "what"], [])
    } else {
        table(["severity", "class", "what"], [])
    };
    for finding in audit.of(kind).take(top) {
        let severity = finding.severity.name().to_owned();
        let (names, classes) = (names(&finding.images), classes(finding));
        if has_images {
            table.add_row([severity, names, classes, finding.says.clone()]);
        } else {
            table.add_row([severity, classes, finding.says.clone()]);
        }
    }
    let rest = if count > top { format!("; the first {top}, --top shows more") } else { String::new() };
    (count > 0).then(|| format!("{}{rest}\n{}", audit_title(audit, kind), table.trim_fmt()))
}

/// The names of a few images, one per line.
fn names(images: &[AuditedImage]) -> String {
    let mut names: Vec<String> = images.iter().take(NAMED).map(|image| image.image.clone()).collect();
    names.extend((images.len() > NAMED).then(|| format!("and {} more", thousands(images.len() - NAMED))));
    names.join("\n")
}

/// The classes that images are labelled as, in the same lines; one that is the same for all once.
fn classes(finding: &AuditFinding) -> String {
    let images = &finding.images[..];
    match images.first() {
        None => finding.class.clone().unwrap_or_default(),
        Some(first) if !finding.is_contradiction() => first.class.clone(),
        Some(_) => images.iter().take(NAMED).map(|image| image.class.as_str()).collect::<Vec<_>>().join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use zoo_schema::{AuditPart, Severity};

    use super::*;

    fn image(name: &str, part: AuditPart, class: &str) -> AuditedImage {
        AuditedImage { image: name.into(), part, class: class.into() }
    }

    fn audit(findings: Vec<AuditFinding>) -> Audit {
        Audit {
            schema: 1,
            zoo_version: "0".into(),
            dataset: "pets".into(),
            train: 1200,
            test: 100,
            classes: vec!["cat".into(), "dog".into()],
            findings,
        }
    }

    fn finding(kind: AuditKind, images: Vec<AuditedImage>) -> AuditFinding {
        AuditFinding {
            kind,
            severity: Severity::Note,
            says: "says".into(),
            images,
            neighbours: Vec::new(),
            class: Some("dog".into()),
            value: None,
        }
    }

    #[test]
    fn a_table_per_kind() {
        let pair = vec![image("a.png", AuditPart::Train, "cat"), image("b.png", AuditPart::Test, "dog")];
        let group = (0..5).map(|number| image(&number.to_string(), AuditPart::Train, "cat")).collect();
        let found = audit(vec![
            finding(AuditKind::ExactDuplicate, group),
            finding(AuditKind::NearDuplicate, pair.clone()),
            finding(AuditKind::NearDuplicate, pair),
            finding(AuditKind::SmallClass, Vec::new()),
        ]);
        let text = audit_tables(&found, 1);
        for part in [
            "pets: 1,200 training and 100 test images of 2 classes\n",
            "exact duplicates: 1\n",
            "and 2 more",
            "near duplicates: 2, of which 2 across train and test; the first 1, --top shows more\n",
            "small classes: 1\n",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(
            lines.contains(&vec!["note", "a.png", "cat", "says"]) && lines.contains(&vec!["b.png", "dog"]),
            "{text}"
        );
        assert!(lines.contains(&vec!["note", "dog", "says"]), "{text}");
    }

    #[test]
    fn nothing_is_said_in_a_line() {
        assert_eq!(
            audit_tables(&audit(Vec::new()), 5),
            "pets: 1,200 training and 100 test images of 2 classes: nothing found"
        );
    }
}
