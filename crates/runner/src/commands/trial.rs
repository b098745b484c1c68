//! `zoo trial`: what `zoo tune` starts for each setting.

use std::io::Read;

use zoo_lab::tune::TrialJob;

use crate::failure::Failure;
use crate::options::Options;
use crate::output::print;

/// Does the job that is on stdin, a line of JSON, and writes its report to stdout.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let mut line = String::new();
    let unreadable = |source| Failure::Process { action: "cannot read stdin", source };
    std::io::stdin().read_line(&mut line).map_err(unreadable)?;
    let job: TrialJob = serde_json::from_str(&line).map_err(|error| {
        Failure::Usage(format!("`zoo trial` is what `zoo tune` starts; stdin has no job of it: {error}"))
    })?;
    end_with_stdin();
    print(&serde_json::to_string(&job.follow(&options.registry))?)
}

/// Ends this process when stdin is closed: the process that waits for it keeps the pipe open, so that no trial outlives it, however it
/// ends.
fn end_with_stdin() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(1);
    });
}
