//! What an audit finds in a dataset: the document of `zoo data audit --json`, and its CSV.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::Severity;

/// What is worth looking at in a dataset before models learn from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// [`SCHEMA`](crate::SCHEMA).
    pub schema: u32,
    /// The version of zoo.
    pub zoo_version: String,
    /// The name of the dataset.
    pub dataset: String,
    /// How many training images were looked at.
    pub train: usize,
    /// How many test images were looked at.
    pub test: usize,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// What was found, by kind in the order of [`AuditKind`], and of each kind what matters most first.
    pub findings: Vec<AuditFinding>,
}

/// Something that an audit has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditFinding {
    /// What it is.
    pub kind: AuditKind,
    /// How much it matters.
    pub severity: Severity,
    /// A sentence, or part of one, with the figures.
    pub says: String,
    /// The images that it is about; none if it is about classes.
    pub images: Vec<AuditedImage>,
    /// Images to hold them against: of an image whose label is likely wrong its nearest neighbours.
    #[serde(default)]
    pub neighbours: Vec<AuditedImage>,
    /// The class that it is about; of an image whose label is likely wrong the class that its neighbours are of.
    pub class: Option<String>,
    /// The figure that findings of this kind are ordered by. Near duplicates: the correlation of the two images, 1 if they are equal except for
    /// brightness and contrast. Likely wrong labels: ln of how many times likelier its neighbours' labels are for images of `class`.
    /// Blank images: the standard deviation of their values, 0 to 255.
    pub value: Option<f64>,
}

/// What an audit looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuditKind {
    /// Images that are equal, value by value.
    ExactDuplicate,
    /// Two images that are probably of one shot: compressed again, brightened, scaled, shifted a little.
    NearDuplicate,
    /// An image whose nearest neighbours are of another class.
    LikelyWrongLabel,
    /// A class that has no training or no test images.
    EmptyClass,
    /// A class of too few images to learn from, or to judge by.
    SmallClass,
    /// Classes of very different size.
    Imbalance,
    /// An image of one colour, or nearly so.
    BlankImage,
    /// An image whose size or shape, before it was resized, was far from that of most.
    OddSize,
}

/// An image that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditedImage {
    /// Its name within the dataset.
    pub image: String,
    /// Whether it is among the training or the test images.
    pub part: AuditPart,
    /// The name of the class that it is labelled as.
    pub class: String,
}

/// A part of a dataset as its source has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditPart {
    /// The training images, those held out for validation included.
    Train,
    /// The test images.
    Test,
}

impl AuditKind {
    /// All, in their order.
    pub const ALL: [Self; 8] = [
        Self::ExactDuplicate,
        Self::NearDuplicate,
        Self::LikelyWrongLabel,
        Self::EmptyClass,
        Self::SmallClass,
        Self::Imbalance,
        Self::BlankImage,
        Self::OddSize,
    ];

    /// As JSON and CSV have it, `exact-duplicate`: also the name of its picture.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExactDuplicate => "exact-duplicate",
            Self::NearDuplicate => "near-duplicate",
            Self::LikelyWrongLabel => "likely-wrong-label",
            Self::EmptyClass => "empty-class",
            Self::SmallClass => "small-class",
            Self::Imbalance => "imbalance",
            Self::BlankImage => "blank-image",
            Self::OddSize => "odd-size",
        }
    }

    /// In words, of several: `near duplicates`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::ExactDuplicate => "exact duplicates",
            Self::NearDuplicate => "near duplicates",
            Self::LikelyWrongLabel => "likely wrong labels",
            Self::EmptyClass => "classes without images",
            Self::SmallClass => "small classes",
            Self::Imbalance => "imbalance",
            Self::BlankImage => "blank images",
            Self::OddSize => "odd sizes",
        }
    }
}

impl AuditPart {
    /// `train` or `test`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

impl AuditFinding {
    /// Whether it is about training and test images at once.
    #[must_use]
    pub fn is_across(&self) -> bool {
        let has = |part| self.images.iter().any(|image| image.part == part);
        has(AuditPart::Train) && has(AuditPart::Test)
    }

    /// Whether its images are labelled as different classes.
    #[must_use]
    pub fn is_contradiction(&self) -> bool {
        self.images.iter().any(|image| image.class != self.images[0].class)
    }
}

impl Audit {
    /// The findings of one kind, what matters most first.
    pub fn of(&self, kind: AuditKind) -> impl Iterator<Item = &AuditFinding> {
        self.findings.iter().filter(move |finding| finding.kind == kind)
    }

    /// A line per image of each finding, with a line of headings: `kind`, `finding` (its number, from 1), `severity`, `part`, `image`,
    /// `class`, `likely` (the class that neighbours are of), `value`, `says`. Findings about classes have no image and are left out:
    /// `zoo data export --only` takes it.
    ///
    /// # Panics
    /// Never: memory takes all lines.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut table = csv::Writer::from_writer(Vec::new());
        let mut write = |fields: [&str; 9]| table.write_record(fields).expect("memory takes all lines");
        write(["kind", "finding", "severity", "part", "image", "class", "likely", "value", "says"]);
        for (number, finding) in (1..).zip(&self.findings) {
            let (number, severity) = (number.to_string(), finding.severity.name());
            let value = finding.value.map_or_else(String::new, |value| format!("{value:.4}"));
            let likely = finding.class.as_deref().unwrap_or_default();
            for AuditedImage { image, part, class } in &finding.images {
                let kind = finding.kind.name();
                write([kind, &number, severity, part.name(), image, class, likely, &value, &finding.says]);
            }
        }
        let bytes = table.into_inner().expect("memory takes all bytes");
        String::from_utf8(bytes).expect("fields are text, and so is what is between them")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(image: &str, part: AuditPart, class: &str) -> AuditedImage {
        AuditedImage { image: image.into(), part, class: class.into() }
    }

    fn audit() -> Audit {
        let (cat, dog) = (image("a, b.png", AuditPart::Train, "cat"), image("c.png", AuditPart::Test, "dog"));
        let finding = AuditFinding {
            kind: AuditKind::NearDuplicate,
            severity: Severity::Warning,
            says: "alike".into(),
            images: vec![cat.clone(), dog],
            neighbours: vec![cat],
            class: None,
            value: Some(0.95),
        };
        let small = AuditFinding { kind: AuditKind::SmallClass, images: Vec::new(), ..finding.clone() };
        Audit {
            schema: 1,
            zoo_version: "0".into(),
            dataset: "pets".into(),
            train: 2,
            test: 1,
            classes: vec!["cat".into(), "dog".into()],
            findings: vec![finding, small],
        }
    }

    #[test]
    fn csv_has_a_line_per_image() {
        let expected = "kind,finding,severity,part,image,class,likely,value,says
near-duplicate,1,warning,train,\"a, b.png\",cat,,0.9500,alike
near-duplicate,1,warning,test,c.png,dog,,0.9500,alike
";
        assert_eq!(audit().to_csv(), expected);
    }

    #[test]
    fn json_is_read_again() {
        let text = serde_json::to_string(&audit()).unwrap();
        assert!(text.contains("\"near-duplicate\"") && text.contains("\"train\""), "{text}");
        assert_eq!(serde_json::from_str::<Audit>(&text).unwrap(), audit());
        for kind in AuditKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert!(AuditKind::ALL.is_sorted());
    }

    #[test]
    fn parts_and_classes_are_compared() {
        let audit = audit();
        let [near, small] = &audit.findings[..] else { panic!("two") };
        assert!(near.is_across() && near.is_contradiction());
        assert!(!small.is_across() && !small.is_contradiction());
        assert_eq!(audit.of(AuditKind::SmallClass).count(), 1);
    }
}
