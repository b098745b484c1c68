//! What `--help` ends with.

pub(super) const FIRST_EXAMPLES: &str = "\
Examples:
  zoo compare                        four models on images that zoo draws itself
  zoo compare --data my-photos/      on your own, a folder per class
  zoo report last --open             what came out, as a page in the browser

Options and examples of a command: zoo COMMAND --help. More of both: zoo --help.";

pub(super) const EXAMPLES: &str = "\
Examples:
  zoo compare                                   all four models on shapes10, no download
  zoo compare softmax svm --set svm.optimizer.learning_rate=0.002
  zoo data fetch cifar10                        170 MB, into data/; also: cifar100, mnist, fashion-mnist
  zoo compare --data cifar10                    the same on CIFAR-10
  zoo compare --data my-photos/                 on your own images, one folder per class
  zoo train cnn --data cifar10 --set train.epochs=20
  zoo reproduce cs231n                          published results, measured again
  zoo compare cnn vgg lenet                     other networks; files with recipes work as well
  zoo tune softmax --data cifar10               find a good learning rate and weight decay
  zoo tune knn --set k=1,3,5,10 --folds 5
  zoo compare softmax svm --seeds 5             five trainings of each: mean and standard deviation
  zoo mistakes last --model cnn --class cat     which cats the CNN got wrong, by name
  zoo predict cnn cat.png photos/               the newest run of cnn
  zoo report last --open                        the newest run as a page
  zoo pictures cnn                              curves, confusion matrix, filters, mistakes

The options above are those that most commands take; zoo COMMAND --help has all that a command takes.

Exit codes: 0 done, 1 failed, 2 wrong usage.";

pub(super) const TUNE_EXAMPLES: &str = "\
What to search: a key with several values is in the grid, LOW..HIGH is drawn from log-uniformly, a single value holds for \
all trials. Without any, the `[search]` of the recipe.

Examples:
  zoo tune softmax
  zoo tune knn --set k=1,3,5,10 --set metric=l1,l2 --folds 5
  zoo tune mlp --set architecture.hidden=[256],[512] --set optimizer.learning_rate=0.001..0.1 --trials 20
  zoo tune --resume last";

pub(super) const COMPARE_HELP: &str = "\
Models are chosen by validation images, which they don't learn from: the table is sorted by them. Test images are there for the final \
figure; while you try settings, leave them alone with --no-test.

Examples:
  zoo compare
  zoo compare softmax svm --seeds 5             mean and standard deviation over five trainings
  zoo compare vgg lenet --data cifar10 --budget 2m
  zoo compare softmax --no-test --set optimizer.learning_rate=0.05
  zoo compare --resume last                     what was interrupted

A comparison's folder has config.toml (all keys and their values), result.json, result.md, result.csv, predictions.csv (what each model \
says of each image), report.html (all of it to look at, in a browser), learning curves, and a folder for each model, which `evaluate`, `predict`, `pictures` and `losses` take.";

pub(super) const MISTAKES_EXAMPLES: &str = "\
Examples:
  zoo mistakes last                             images that some model of the newest run gets wrong
  zoo mistakes last --model cnn --class cat     cats that the CNN takes for something else
  zoo mistakes last --all-wrong                 images that no model gets right
  zoo mistakes softmax svm --disagree           images on which two runs disagree
  zoo mistakes last --class cat --csv | zoo data export cats --data cifar10 --only -

The most confident mistakes come first. predictions.csv in the folder of a run has the answers for all images.";

pub(super) const TRAIN_EXAMPLES: &str = "\
Examples:
  zoo train cnn --data cifar10
  zoo train resnet20 --data cifar10 --set train.epochs=30
  zoo train --resume last

A run's folder has config.toml (all keys and their values), metrics.jsonl (a line per epoch), checkpoint/, and in the end \
result.json, predictions.csv, model.safetensors and report.html, which opens in a browser.";

pub(super) const EVALUATE_EXAMPLES: &str = "\
Examples:
  zoo evaluate cnn
  zoo evaluate --weights resnet20.pt --config configs/resnet20.toml --data cifar10";

pub(super) const PREDICT_EXAMPLES: &str = "\
Examples:
  zoo predict cnn cat.png dog.jpg --top 5
  zoo predict last cat.png                      every model of the newest comparison, side by side
  zoo predict cnn softmax photos/ --csv > photos.csv
  zoo predict cnn photos/ --jsonl | jq -r 'select(.classes[0].class == \"cat\") | .image'

An argument that is a file, or a folder that isn't that of a run, is an image or has images in it; every other one is a run. Images are \
scaled to what a run was trained on. One that can't be read has its error in its place; the others are shown, and the exit code is 1.

A probability is what a model claims; an SVM claims none, and shows scores: the larger, the surer. k-NN shows shares of votes and names \
the training images that voted, with their distances.";

pub(super) const GRADCHECK_HELP: &str = "\
Each derivative a is compared with n = (L(θ + h) − L(θ − h)) / 2h with h = 1e-5. A relative error |a − n| / max(|a|, |n|) up to 1e-7 \
is right; up to 1e-4 where the loss has kinks. Where it is more, h is made smaller. Networks with ReLU or hinge are checked \
a second time with GELU or cross-entropy instead.

Examples:
  zoo gradcheck
  zoo gradcheck mlp --set architecture.hidden=[50] --samples 20";

pub(super) const SANITY_HELP: &str = "\
The first loss must be about that of chance: ln 10 = 2.303 for cross-entropy over ten classes, 9 for the hinge. A penalty must \
raise it, and the optimizer lower that penalty. Forty images must be memorised within 300 steps.

Examples:
  zoo sanity
  zoo sanity vgg --data my-photos/";

pub(super) const LOSSES_EXAMPLES: &str = "\
Examples:
  zoo train softmax && zoo train svm
  zoo losses softmax svm";

pub(super) const PICTURES_EXAMPLES: &str = "\
Examples:
  zoo pictures --data cifar10                   samples, mean images, distances, nearest neighbours
  zoo pictures cnn                              curves, confusion matrix, filters or templates, mistakes
  zoo pictures last                             of a search: accuracy against what was searched
  zoo pictures last --terminal                  learning curves and confusion matrices right here";

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  zoo report last --open                        the newest run
  zoo report softmax svm                        two trainings side by side, as `compare` shows them
  zoo report runs/0001-tune-knn-cifar10         a search

`train`, `compare`, `tune` and `reproduce` leave report.html by themselves. It is one file, which asks no network for anything: send it to \
whom you like. Runs that were made before there were pages get one this way.";

pub(super) const FETCH_HELP: &str = "\
Examples:
  zoo data fetch cifar10                        170 MB, unpacked to 184 MB in data/
  zoo data fetch cifar100                       169 MB, unpacked to 184 MB; cifar100-coarse as well
  zoo data fetch mnist                          12 MB, unpacked to 55 MB
  zoo data fetch fashion-mnist                  31 MB, unpacked to 55 MB
  zoo data fetch mnist --url https://mirror.example/mnist/";

pub(super) const AUDIT_HELP: &str = "\
Examples:
  zoo data audit --data my-photos/
  zoo data audit --data cifar10 --top 50
  zoo data audit --data my-photos/ --csv | zoo data export suspicious --data my-photos/ --only -
  zoo data audit --data my-photos/ --strict     exit code 1 if there are warnings

Warnings are copies across training and test images, copies that are labelled differently, classes without images, and classes of which \
one has ten times as many images as another. Everything else is a note: worth a look, and sometimes wrong. audit.json, audit.csv and \
sheets of the images are in a new run folder. docs/audit.md has the rules and how often they are right.";

pub(super) const EXPORT_HELP: &str = "\
Examples:
  zoo data export cifar10-files --data cifar10
  zoo mistakes last --class cat --csv | zoo data export cats --data cifar10 --only -
  zoo data export wrong --data cifar10 --only wrong.csv

A file is named after its image: test_batch/123 of CIFAR-10 becomes test/cat/test_batch-00123.png. Grey images become grey files. What \
no folder can have in its name becomes -: T-shirt/top is in T-shirt-top.";

pub(super) const SCHEMA_HELP: &str = "\
docs/schema has what it prints.

Examples:
  zoo schema result
  zoo schema recipe > docs/schema/recipe.schema.json

An editor with Taplo checks a recipe that begins with `#:schema PATH`, where PATH is that of the file from the recipe.";

pub(super) const DATA_EXAMPLES: &str = "\
Examples:
  zoo data fetch cifar10                        170 MB, into data/
  zoo data info --data cifar10
  zoo data verify --data my-photos/
  zoo data audit --data my-photos/              duplicates, likely wrong labels, blank images
  zoo data export shapes --limit-train 100      the generated images as files, to see what a folder looks like";

pub(super) const INFO_EXAMPLES: &str = "\
Examples:
  zoo data info
  zoo data info --data my-photos/ --image-size 64";

pub(super) const VERIFY_EXAMPLES: &str = "\
Examples:
  zoo data verify --data cifar10                whether all of it is there and can be read
  zoo data verify --data my-photos/";

pub(super) const BACKENDS_EXAMPLES: &str = "\
Examples:
  zoo backends
  zoo backends --json

--backend of the other commands, or ZOO_BACKEND, chooses one.";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  zoo completions bash > ~/.local/share/bash-completion/completions/zoo
  zoo completions zsh > ~/.zfunc/_zoo           with ~/.zfunc in fpath
  zoo completions fish > ~/.config/fish/completions/zoo.fish
  zoo completions powershell >> $PROFILE";

pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  zoo man ~/.local/share/man/man1               then: man zoo-compare";
