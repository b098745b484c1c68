//! `zoo mistakes`: which images models got wrong, by name.

use serde_json::json;
use zoo_lab::{Mistakes, Which, answers_of};
use zoo_report::{answers_table, thousands};
use zoo_schema::Answers;

use crate::cli::MistakesArguments;
use crate::failure::Failure;
use crate::options::Options;
use crate::output::{print, print_json};

/// Shows the images that are asked for.
pub(crate) fn run(options: &Options, arguments: &MistakesArguments) -> Result<(), Failure> {
    options.refuse_overrides_of_run()?;
    let paths = arguments.runs.iter().map(|run| options.find(run)).collect::<Result<Vec<_>, _>>()?;
    let all = answers_of(&paths)?;
    let of = all.images.len();
    let found = wanted(arguments).among(all)?;
    if options.json {
        return print_json(&document(&found, of));
    }
    if arguments.csv {
        return print(found.to_csv().trim_end());
    }
    let (count, part) = (found.images.len(), found.part.name());
    let summary = format!("{} of {} {part} images", thousands(count), thousands(of));
    if count == 0 {
        return print(&summary);
    }
    let shown = first(found, arguments.top);
    let rest = count.saturating_sub(arguments.top);
    let rest =
        if rest > 0 { format!("; the first {}, --top shows more", arguments.top) } else { String::new() };
    print(&format!("{summary}{rest}\n{}", answers_table(&shown)))
}

fn wanted(arguments: &MistakesArguments) -> Mistakes {
    let which = match (arguments.all_wrong, arguments.disagree) {
        (true, _) => Which::AllWrong,
        (_, true) => Which::Disagree,
        _ => Which::AnyWrong,
    };
    Mistakes {
        class: arguments.class.clone(),
        answer: arguments.answer.clone(),
        models: arguments.model.clone(),
        which,
    }
}

/// The first `count` images.
fn first(mut answers: Answers, count: usize) -> Answers {
    answers.images.truncate(count);
    for model in &mut answers.models {
        model.answers.truncate(count);
    }
    answers
}

/// The images as JSON, each with what the models say of it.
fn document(found: &Answers, of: usize) -> serde_json::Value {
    let images = found.images.iter().enumerate().map(|(place, image)| {
        let models = found.models.iter().enumerate().map(|(number, model)| {
            let answer = &model.answers[place];
            json!({
                "model": model.model,
                "answer": answer.class,
                model.measure.name(): answer.value,
                "right": found.is_right(number, place),
            })
        });
        json!({"image": image.name, "class": image.class, "answers": models.collect::<Vec<_>>()})
    });
    json!({"part": found.part.name(), "images": of, "mistakes": images.collect::<Vec<_>>()})
}
