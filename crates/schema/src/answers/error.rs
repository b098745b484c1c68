//! What can be wrong with a table of answers.

/// Why there are no [`Answers`](crate::Answers). Lines are counted from 1, the headings' being the first; columns go by their headings.
#[derive(Debug, thiserror::Error)]
pub enum AnswersError {
    /// There is nothing, or a line of headings and nothing more.
    #[error("the table is empty: expected a line of headings, and a line per image")]
    Empty,
    /// A heading is not what it should be.
    #[error(
        "line 1, column {column}: the heading is {found:?}, expected {expected}; \
         headings are \"part\", \"image\", \"class\", and per model \"NAME\", \"NAME probability\" or \"NAME score\", \"NAME right\""
    )]
    Heading {
        /// The number of the column, from 1.
        column: usize,
        /// The heading that is there; empty if there is none.
        found: String,
        /// The heading that should be there.
        expected: String,
    },
    /// Two models have the same name.
    #[error("there are two models {model:?}: models of one table need different names")]
    SameModel {
        /// The name.
        model: String,
    },
    /// A line has more or fewer fields than there are headings.
    #[error("line {line} has {found} fields, but there are {expected} headings")]
    Fields {
        /// The line.
        line: usize,
        /// How many fields it has.
        found: usize,
        /// How many headings there are.
        expected: usize,
    },
    /// What should be a part of the data is none.
    #[error("line {line}, column \"part\": {found:?} is neither \"test\" nor \"validation\"")]
    Part {
        /// The line.
        line: usize,
        /// What is there.
        found: String,
    },
    /// Some images are of another part than the others.
    #[error(
        "line {line}, column \"part\": a {found} image in a table of {expected} images; a table has images of one part"
    )]
    OtherPart {
        /// The line.
        line: usize,
        /// The part of this image.
        found: &'static str,
        /// That of the images above.
        expected: &'static str,
    },
    /// Two images have the same name.
    #[error("line {line}, column \"image\": {image:?} is there already, in line {first}")]
    SameImage {
        /// The line.
        line: usize,
        /// The line of the other image of that name.
        first: usize,
        /// The name.
        image: String,
    },
    /// What should be a probability or a score is no number.
    #[error("line {line}, column {column:?}: {found:?} is no finite number")]
    Number {
        /// The line.
        line: usize,
        /// The column.
        column: String,
        /// What is there.
        found: String,
    },
    /// What should say whether an answer is right does not.
    #[error("line {line}, column {column:?}: {found:?} is neither \"true\" nor \"false\"")]
    Truth {
        /// The line.
        line: usize,
        /// The column.
        column: String,
        /// What is there.
        found: String,
    },
    /// An answer is said to be right that is not the image's class, or wrong that is.
    #[error(
        "line {line}, column {column:?}: {found:?}, but the class is {class:?}, and the answer {answer:?}"
    )]
    Contradiction {
        /// The line.
        line: usize,
        /// The column.
        column: String,
        /// What is there.
        found: String,
        /// The class of the image.
        class: String,
        /// What the model takes it for.
        answer: String,
    },
    /// The text is no CSV.
    #[error("it cannot be read as CSV")]
    Csv(#[from] csv::Error),
    /// There are no tables to join.
    #[error("there are no tables of answers")]
    NoTables,
    /// Tables are of different parts of the data.
    #[error(
        "{model:?} was judged on {found} images, {first:?} on {expected} images: answers are comparable on the same images only"
    )]
    Parts {
        /// The first model of the table that differs.
        model: String,
        /// The part that it was judged on.
        found: &'static str,
        /// The first model of the first table.
        first: String,
        /// The part that it was judged on.
        expected: &'static str,
    },
    /// A table has two images of the same name.
    #[error("{model:?} was judged on two images {image:?}: images of one table need different names")]
    ImageTwice {
        /// The first model of the table.
        model: String,
        /// The name.
        image: String,
    },
    /// A table lacks an image of another one.
    #[error(
        "{with:?} was judged on image {image:?}, {without:?} was not: answers are comparable on the same images only"
    )]
    MissingImage {
        /// The name of the image.
        image: String,
        /// The first model of the table that has it.
        with: String,
        /// The first model of the table that lacks it.
        without: String,
    },
    /// An image is of one class in one table, and of another one in another.
    #[error(
        "image {image:?} is of class {found:?} for {model:?}, and of class {expected:?} for {first:?}: \
         the two were judged on different data"
    )]
    Class {
        /// The image.
        image: String,
        /// The first model of the table that differs.
        model: String,
        /// The class there.
        found: String,
        /// The first model of the first table.
        first: String,
        /// The class there.
        expected: String,
    },
}
