//! Options as values: every default is resolved here, once.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use zoo_backends::{Backend, Kind, Machine};
use zoo_data::Splits;
use zoo_lab::run::{RunConfig, TrainingRun, find};
use zoo_lab::{LabError, Protocol, Relocation, Source, Watch};
use zoo_recipes::{Contenders, RUN, RecipeError, Registry, is_file, read_table};

use crate::cli::{COMPARED, COMPARED_ON_PHOTOS, GlobalOptions, ProtocolArguments};
use crate::failure::Failure;
use crate::progress::Progress;

/// How many columns a table may take.
const WIDE: usize = 100;
/// The same with `--narrow`.
pub(crate) const NARROW: usize = 80;

/// What every command is told.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// As they were given.
    given: GlobalOptions,
    /// The models that there are.
    pub(crate) registry: Registry,
    /// Which images.
    pub(crate) source: Source,
    /// Where the images of a run are now, if that was said.
    pub(crate) relocation: Relocation,
    /// What everything random follows from.
    pub(crate) seed: u64,
    /// Where run folders are made.
    pub(crate) out: PathBuf,
    /// Whether one JSON document is printed, and nothing else.
    pub(crate) json: bool,
    /// How models are fitted and judged, unless the command says otherwise.
    protocol: Protocol,
}

impl Options {
    /// Resolves what was given.
    ///
    /// # Errors
    /// [`Failure::Usage`] for `--tui` where there can be no dashboard.
    pub(crate) fn new(given: &GlobalOptions) -> Result<Self, Failure> {
        // Without one to read keys from, Burn's renderer fails when it has cleared the screen already.
        let terminal = std::io::stdin().is_terminal()
            && std::io::stdout().is_terminal()
            && std::io::stderr().is_terminal();
        check_dashboard(given, terminal, cfg!(feature = "tui"))?;
        Ok(Self::resolve(given, None))
    }

    /// What was given, else what `run` had, else the defaults.
    fn resolve(given: &GlobalOptions, run: Option<RunConfig>) -> Self {
        let protocol = run.as_ref().map_or(Protocol::new(42), RunConfig::protocol);
        let seed = given.seed.unwrap_or(protocol.seed);
        let base = run.map_or_else(|| Source::named("shapes10"), |run| run.source);
        let cache = given.cache_dir.clone().or_else(|| Some(dirs::cache_dir()?.join("zoo")));
        let source = Source {
            data: given.data.clone().unwrap_or(base.data),
            data_dir: given.data_dir.clone().unwrap_or(base.data_dir),
            limit_train: given.limit_train.or(base.limit_train),
            limit_test: given.limit_test.or(base.limit_test),
            validation: given.validation.unwrap_or(base.validation),
            in_order: base.in_order,
            photos: given.photos.over(base.photos),
            cache: cache.clone(),
        };
        Self {
            registry: Registry::zoo(),
            source,
            relocation: Relocation { data: given.data.clone(), data_dir: given.data_dir.clone(), cache },
            seed,
            out: given.out.clone().unwrap_or_else(|| "runs".into()),
            json: given.json,
            protocol: Protocol { seed, ..protocol },
            given: given.clone(),
        }
    }

    /// The same options, those that are not given taken from the `[run]` of a config file or of a file among `arguments`, so
    /// that the config of a run is enough to run it again.
    ///
    /// # Errors
    /// [`Failure::Lab`] for a file that can't be read or parsed.
    pub(crate) fn completed_from(&self, arguments: &[String]) -> Result<Self, Failure> {
        let files = arguments.iter().filter(|argument| is_file(argument));
        let files = files.map(|argument| PathBuf::from(self.located(argument)));
        let files: Vec<PathBuf> = self.given.config.iter().cloned().chain(files).collect();
        Ok(match run_of(&files)? {
            Some(run) => {
                let options = Self::resolve(&self.given, Some(run));
                if self.given.data.is_none() {
                    let source = &options.source;
                    let (data, folder) = (&source.data, source.data_dir.display());
                    self.watch().line(&format!("images: --data {data} --data-dir {folder}, as [run] says"));
                }
                options
            }
            None => self.clone(),
        })
    }

    /// How models are fitted and judged.
    pub(crate) fn protocol(&self, arguments: ProtocolArguments, trainings: Option<usize>) -> Protocol {
        Protocol {
            trainings: trainings.unwrap_or(self.protocol.trainings),
            no_test: arguments.no_test || self.protocol.no_test,
            budget: arguments.budget.or(self.protocol.budget),
            ..self.protocol
        }
    }

    /// The folder of the run that `name` means: a folder, a recipe's name, `last`.
    ///
    /// # Errors
    /// [`LabError::NoRun`].
    pub(crate) fn find(&self, name: &Path) -> Result<PathBuf, LabError> {
        find(&self.registry, &self.out, name)
    }

    /// The folder that GPUs' tuning is kept in; `None` where there is no cache folder.
    pub(crate) fn tuning(&self) -> Option<PathBuf> {
        Some(self.source.cache.as_ref()?.join("tuning"))
    }

    /// How many columns a table may take.
    pub(crate) fn width(&self) -> usize {
        let most = if self.given.narrow { NARROW } else { WIDE };
        console::Term::stdout().size_checked().map_or(most, |(_, columns)| most.min(columns.into()))
    }

    /// Whether more is to be shown than usual.
    pub(crate) fn is_verbose(&self) -> bool {
        self.given.verbose > 0
    }

    /// The same options, images being CIFAR-10 unless others were named.
    pub(crate) fn on_cifar10(mut self) -> Self {
        if self.given.data.is_none() {
            self.source.data = "cifar10".into();
        }
        self
    }

    /// What is compared if nothing is named.
    pub(crate) fn compared(&self) -> &'static [&'static str] {
        if self.source.is_folder() { &COMPARED_ON_PHOTOS } else { &COMPARED }
    }

    /// The recipes of `models`, names or files, or of `default` if there are none, with `--config` and `--set`.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub(crate) fn contenders(&self, models: &[String], default: &[&str]) -> Result<Contenders, RecipeError> {
        let contenders = self.unset_contenders(models, default)?.set(&self.given.set)?;
        // A run whose network is named as runs are: by its recipe, or `last`.
        contenders.with_networks(|name| self.find(name).ok())
    }

    /// The same without `--set`, whose values may be there to be searched.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub(crate) fn unset_contenders(
        &self,
        models: &[String],
        default: &[&str],
    ) -> Result<Contenders, RecipeError> {
        let registry = self.configured()?;
        match models {
            [] => registry.contenders(default),
            models => {
                let located: Vec<String> = models.iter().map(|model| self.located(model)).collect();
                registry.contenders(&located)
            }
        }
    }

    /// A file that is named by its run, `last/best.toml`, where it is; anything else as it is.
    fn located(&self, argument: &str) -> String {
        let is_of_a_run = is_file(argument) && !Path::new(argument).exists();
        let found = is_of_a_run.then(|| self.find(Path::new(argument)).ok()).flatten();
        found.map_or_else(|| argument.into(), |path| path.to_string_lossy().into_owned())
    }

    /// The same for what is checked: by default one recipe of each kind of model that learns.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub(crate) fn checked(&self, models: &[String]) -> Result<Contenders, RecipeError> {
        match models {
            [] => self.configured()?.trainable()?.set(&self.given.set),
            models => self.contenders(models, &[]),
        }
    }

    /// The models with what `--config` files change about their default recipes.
    fn configured(&self) -> Result<Registry, RecipeError> {
        self.registry.clone().with_config(&self.given.config)
    }

    /// Files with recipes that change the default ones.
    pub(crate) fn config(&self) -> &[PathBuf] {
        &self.given.config
    }

    /// Keys of recipes that are changed, or searched.
    pub(crate) fn set(&self) -> &[String] {
        &self.given.set
    }

    /// The folder of named datasets.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.source.data_dir
    }

    /// The backend of a command that takes one.
    ///
    /// # Errors
    /// [`Failure::Usage`] if there are several.
    pub(crate) fn one_backend(&self) -> Result<Backend, Failure> {
        match self.given.backend[..] {
            [backend] => Ok(backend),
            _ => Err(Failure::Usage("several backends are for `zoo compare`; name one".into())),
        }
    }

    /// Opens the one backend, and says which it is.
    ///
    /// # Errors
    /// [`Failure`] if there are several, or it can't be opened.
    pub(crate) fn machine(&self) -> Result<Machine, Failure> {
        let machine = self.one_backend()?.select()?;
        self.watch().line(&format!("backend: {machine}"));
        Ok(machine)
    }

    /// Opens each backend, and says which they are.
    ///
    /// # Errors
    /// [`Failure`] if one can't be opened.
    pub(crate) fn machines(&self) -> Result<Vec<Machine>, Failure> {
        self.open(&self.given.backend)
    }

    /// Opens `backends`, unless others are named, and says which they are.
    ///
    /// # Errors
    /// [`Failure`] if one can't be opened.
    pub(crate) fn machines_or(&self, backends: &[Backend]) -> Result<Vec<Machine>, Failure> {
        let is_default = self.given.backend == [Kind::Auto.into()];
        self.open(if is_default { backends } else { &self.given.backend })
    }

    fn open(&self, backends: &[Backend]) -> Result<Vec<Machine>, Failure> {
        let machines = backends.iter().map(|backend| backend.select()).collect::<Result<Vec<_>, _>>()?;
        for machine in &machines {
            self.watch().line(&format!("backend: {machine}"));
        }
        Ok(machines)
    }

    /// Opens the training runs that `names` mean; a comparison means all of its models.
    ///
    /// # Errors
    /// [`LabError`] for a folder that is not that of such a run.
    pub(crate) fn open_runs(&self, names: &[PathBuf]) -> Result<Vec<TrainingRun>, LabError> {
        let mut runs = Vec::new();
        for name in names {
            runs.extend(TrainingRun::open_all(&self.registry, &self.find(name)?)?);
        }
        Ok(runs)
    }

    /// The images, divided.
    ///
    /// # Errors
    /// [`LabError`] if they can't be had.
    pub(crate) fn splits(&self) -> Result<Splits, LabError> {
        self.source.read(&self.watch()).splits(self.seed)
    }

    /// Whether somebody reads what is printed, at a terminal, and not a program.
    pub(crate) fn has_reader(&self) -> bool {
        !self.json && std::io::stdout().is_terminal() && self.watch().is_seen()
    }

    /// Whether runs are where commands look for them by themselves.
    pub(crate) fn has_usual_out(&self) -> bool {
        self.given.out.is_none()
    }

    /// What shows progress.
    pub(crate) fn watch(&self) -> Progress {
        Progress::new(self.given.quiet, self.is_verbose())
    }

    /// What shows progress where models are trained: a dashboard, if that was asked for.
    pub(crate) fn training_watch(&self) -> Progress {
        if self.given.tui { self.watch().with_dashboard() } else { self.watch() }
    }

    /// Refuses options that would change what a run has been made from. `--data` and `--data-dir` wouldn't: images may have moved, and
    /// are compared.
    ///
    /// # Errors
    /// [`Failure::Usage`] names the first such option.
    pub(crate) fn refuse_overrides_of_run(&self) -> Result<(), Failure> {
        let given = &self.given;
        refuse(
            [
                ("--config", !given.config.is_empty()),
                ("--set", !given.set.is_empty()),
                ("--seed", given.seed.is_some()),
                ("--limit-train", given.limit_train.is_some()),
                ("--limit-test", given.limit_test.is_some()),
                ("--validation", given.validation.is_some()),
                ("--image-size, --resize, --background, --skip-broken or --group-by", given.photos.any()),
            ],
            "a run keeps its own data and recipe",
        )
    }

    /// Refuses options that would change what a suite measures.
    ///
    /// # Errors
    /// [`Failure::Usage`] names the first such option.
    pub(crate) fn refuse_overrides_of_suite(&self) -> Result<(), Failure> {
        let given = &self.given;
        refuse(
            [
                ("--config", !given.config.is_empty()),
                ("--set", !given.set.is_empty()),
                ("--limit-train", given.limit_train.is_some()),
                ("--limit-test", given.limit_test.is_some()),
                ("--validation", given.validation.is_some()),
                ("--tui", given.tui),
            ],
            "the rows of a suite have their own recipes and images",
        )
    }
}

/// The `[run]` of the last of `files` that has one.
fn run_of(files: &[PathBuf]) -> Result<Option<RunConfig>, RecipeError> {
    let mut last = None;
    for path in files {
        if let Some(run) = read_table(path)?.remove(RUN) {
            let wrong = |error| RecipeError::layer(path.display().to_string(), format!("[run] {error}"));
            last = Some(run.try_into().map_err(wrong)?);
        }
    }
    Ok(last)
}

/// Refuses the first option that is given, for `reason`.
fn refuse<const N: usize>(options: [(&str, bool); N], reason: &str) -> Result<(), Failure> {
    match options.into_iter().find(|&(_, given)| given) {
        Some((option, _)) => Err(Failure::Usage(format!("{reason}; leave out {option}"))),
        None => Ok(()),
    }
}

/// Refuses `--tui` where there can be no dashboard, and says what to do instead.
fn check_dashboard(given: &GlobalOptions, terminal: bool, built: bool) -> Result<(), Failure> {
    let reason = if !given.tui {
        return Ok(());
    } else if !built {
        "this zoo was built without the dashboard; build it with --features tui, or leave out --tui"
    } else if given.json {
        "--tui draws where --json writes its document; leave out one of them"
    } else if given.quiet {
        "--tui shows progress and --quiet shows none; leave out one of them"
    } else if !terminal {
        "--tui needs a terminal; leave it out, or don't redirect stdin, stdout and stderr"
    } else {
        return Ok(());
    };
    Err(Failure::Usage(reason.into()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    /// Options as they are given, whatever the environment has.
    fn given(arguments: &[&str]) -> GlobalOptions {
        let given = Cli::parse_from([&["zoo", "compare"], arguments].concat()).global;
        GlobalOptions { data_dir: None, cache_dir: Some("kept".into()), ..given }
    }

    #[test]
    fn a_dashboard_needs_a_terminal_to_itself() {
        let refusal = |arguments: &[&str], terminal, built| {
            check_dashboard(&given(arguments), terminal, built).err().map(|failure| failure.to_string())
        };
        assert_eq!(refusal(&["--tui"], true, true), None);
        assert_eq!(refusal(&["--json"], false, false), None);
        for (arguments, terminal, built, part) in [
            (&["--tui"][..], true, false, "--features tui"),
            (&["--tui"], false, true, "needs a terminal"),
            (&["--tui", "--json"], true, true, "--json"),
            (&["--tui", "--quiet"], true, true, "--quiet"),
        ] {
            let reason = refusal(arguments, terminal, built).unwrap();
            assert!(reason.contains(part) && !reason.contains('\n'), "{reason}");
        }
    }

    #[test]
    fn what_is_given_comes_before_what_a_run_had_and_that_before_defaults() {
        let options = Options::resolve(&given(&[]), None);
        let default = Source { cache: Some("kept".into()), ..Source::named("shapes10") };
        assert_eq!((options.seed, options.source), (42, default));
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("config.toml");
        let run = "[run]\nzoo_version = \"0\"\nburn_version = \"0\"\nbackend = \"flex\"\nadapter = \"CPU\"\nseed = 7\n\
                   shape = [3, 32, 32]\nimages = 50\nfingerprint = \"\"\nclasses = [\"cat\", \"dog\"]\n\
                   [run.source]\ndata = \"cifar10\"\ndata_dir = \"d\"\nlimit_train = 50\nvalidation = 0.2\nin_order = true\n";
        std::fs::write(&file, run).unwrap();
        let given = given(&["--limit-train=60", "--config", file.to_str().unwrap()]);
        let options = Options::resolve(&given, None).completed_from(&[]).unwrap();
        let cache = Some("kept".into());
        let source = Source { limit_train: Some(60), in_order: true, cache, ..Source::named("cifar10") };
        assert_eq!((options.seed, options.source), (7, source.in_folder("d").with_validation(0.2)));
        assert_eq!(options.relocation, Relocation { cache: Some("kept".into()), ..Relocation::default() });
    }
}
