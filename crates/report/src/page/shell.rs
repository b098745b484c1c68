//! What all pages share: the head with its policy, the style and the script, the contents, and how results came about.

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use zoo_schema::Finding;

use crate::markup::Markup;
use crate::page::{Explain, Provenance, explanation};

const STYLE: &str = include_str!("../../templates/page.css");
const SCRIPT: &str = include_str!("../../templates/page.js");

/// A part of a page under a heading, which the contents name.
pub(crate) struct Section {
    id: &'static str,
    title: &'static str,
    body: Markup,
}

impl Section {
    pub(crate) fn new(id: &'static str, title: &'static str, body: &impl Template) -> Self {
        Self { id, title, body: Markup::of(body) }
    }

    /// How many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        self.body.0.len()
    }
}

/// What is on a page.
#[derive(Default)]
pub(crate) struct Content<'a> {
    pub(crate) title: String,
    /// What came out, a sentence each.
    pub(crate) answer: Vec<String>,
    /// What is shown, in a line.
    pub(crate) about: String,
    /// The command that goes on from here, if there is one.
    pub(crate) command: &'a str,
    /// What can't be shown, and why.
    pub(crate) missing: &'a [String],
    /// What there was no room for.
    pub(crate) notes: Option<String>,
    pub(crate) sections: Vec<Section>,
    /// The sheets of its images.
    pub(crate) sheets: Markup,
    /// What its script knows, as JSON.
    pub(crate) data: Markup,
}

/// The whole page.
#[derive(Template)]
#[template(path = "page.html")]
struct Shell<'a> {
    title: &'a str,
    answer: &'a [String],
    about: &'a str,
    command: &'a str,
    missing: &'a [String],
    notes: Option<&'a str>,
    sections: &'a [Section],
    sheets: &'a Markup,
    data: &'a Markup,
    policy: String,
    style: Markup,
    script: Markup,
}

impl Content<'_> {
    /// The page as HTML.
    pub(crate) fn html(&self) -> String {
        let shell = Shell {
            title: &self.title,
            answer: &self.answer,
            about: &self.about,
            command: self.command,
            missing: self.missing,
            notes: self.notes.as_deref(),
            sections: &self.sections,
            sheets: &self.sheets,
            data: &self.data,
            policy: policy(),
            style: Markup(STYLE.into()),
            script: Markup(SCRIPT.into()),
        };
        Markup::of(&shell).0
    }
}

/// The content security policy: nothing but what is in the page already.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// How results came about.
#[derive(Template)]
#[template(path = "origin.html")]
struct Origin<'a> {
    provenance: &'a Provenance,
}

/// The section that says how results came about.
pub(crate) fn origin(provenance: &Provenance) -> Section {
    Section::new("origin", "What ran", &Origin { provenance })
}

/// The checks with their explanations.
#[derive(Template)]
#[template(path = "checks.html")]
struct Checks<'a> {
    checks: Vec<Check<'a>>,
}

/// A check that spoke.
struct Check<'a> {
    finding: &'a Finding,
    explanation: Option<Markup>,
}

/// The section with what is worth knowing before figures are believed, warnings first.
pub(crate) fn checks(findings: &[Finding], explain: Explain) -> Section {
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by_key(|finding| finding.severity);
    let check = |finding| Check { finding, explanation: explain(&finding.code).map(explanation::html) };
    Section::new("checks", "Checks", &Checks { checks: findings.into_iter().map(check).collect() })
}
