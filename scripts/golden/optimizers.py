"""Writes the golden values of crates/train/src/tests/pytorch.rs.

    python3 scripts/golden/optimizers.py > crates/train/src/tests/pytorch.json        (needs torch)

Twenty steps on L = sum(c * w^2) + sum(c * b), c = 1, 2, 3, from w = 0.5, -1, 2 and b = 1, 1, 1, for each optimizer and each
schedule, written as a recipe has them. Weight decay is only for w unless a group says otherwise. Muon's w are filters [4, 3, 2, 1],
which start from other numbers; their c goes from 1 to 3 as well.
"""

import json
import math

import torch
from torch.optim import SGD, Adam, AdamW, RMSprop
from torch.optim import lr_scheduler as schedules

STEPS = 20
SGD_PLAIN = {"kind": "sgd", "learning_rate": 0.01}
NESTEROV = {"kind": "sgd", "learning_rate": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}
CONSTANT = {"kind": "constant"}
SGD_OF_MUON = {"learning_rate": 0.01, "momentum": 0.85, "nesterov": True, "groups": {"biases": {"weight_decay": 0.2}}}
POINTS = [[0.0, 0.2], [0.23, 1.0], [1.0, 0.07]]

CASES = [
    (SGD_PLAIN, CONSTANT, 0.0),
    ({"kind": "sgd", "learning_rate": 0.01, "momentum": 0.9}, CONSTANT, 0.0),
    ({"kind": "sgd", "learning_rate": 0.01, "weight_decay": 0.5}, CONSTANT, 0.0),
    (NESTEROV, CONSTANT, 0.0),
    (NESTEROV | {"groups": {"biases": {"learning_rate_scale": 4.0, "weight_decay": 0.2}}}, CONSTANT, 0.0),
    ({"kind": "rmsprop", "learning_rate": 0.01}, CONSTANT, 0.0),
    ({"kind": "rmsprop", "learning_rate": 0.01, "alpha": 0.9, "momentum": 0.5, "weight_decay": 0.1}, CONSTANT, 0.0),
    ({"kind": "adam", "learning_rate": 0.05}, CONSTANT, 0.0),
    ({"kind": "adam", "learning_rate": 0.05, "beta_1": 0.8, "beta_2": 0.99, "weight_decay": 0.1}, CONSTANT, 0.0),
    ({"kind": "adamw", "learning_rate": 0.05, "weight_decay": 0.1}, CONSTANT, 0.0),
    ({"kind": "adamw", "learning_rate": 0.05, "beta_1": 0.8, "epsilon": 1e-3, "weight_decay": 0.5}, CONSTANT, 0.0),
    ({"kind": "lion", "learning_rate": 0.01}, CONSTANT, 0.0),
    ({"kind": "lion", "learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "weight_decay": 0.5}, CONSTANT, 0.0),
    ({"kind": "muon", "others": SGD_OF_MUON}, CONSTANT, 0.0),
    ({"kind": "muon", "learning_rate": 0.05, "momentum": 0.9, "iterations": 5, "others": SGD_OF_MUON},
     {"kind": "cosine"}, 0.0),
    (NESTEROV, {"kind": "step"}, 0.0),
    (NESTEROV, {"kind": "step", "milestones": [0.25, 0.6, 0.9], "factor": 0.5}, 0.0),
    (NESTEROV, {"kind": "cosine"}, 0.0),
    (NESTEROV, {"kind": "cosine", "warmup": 0.25, "floor": 0.1}, 0.0),
    (NESTEROV, {"kind": "one_cycle"}, 0.0),
    (NESTEROV, {"kind": "one_cycle", "warmup": 0.5, "start": 0.1, "floor": 0.01}, 0.0),
    (NESTEROV, {"kind": "piecewise", "points": POINTS}, 0.0),
    (SGD_PLAIN, CONSTANT, 2.0),
    (NESTEROV, CONSTANT, 5.0),
]


class Lion(torch.optim.Optimizer):
    """Chen et al., *Symbolic Discovery of Optimization Algorithms*, 2023, algorithm 2."""

    def __init__(self, groups: list, lr: float, beta_1: float = 0.9, beta_2: float = 0.99) -> None:
        super().__init__(groups, {"lr": lr, "beta_1": beta_1, "beta_2": beta_2})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                direction = (group["beta_1"] * mean + (1 - group["beta_1"]) * p.grad).sign()
                p -= group["lr"] * (direction + group["weight_decay"] * p)
                mean.mul_(group["beta_2"]).add_(p.grad, alpha=1 - group["beta_2"])


class Muon(torch.optim.Optimizer):
    """Jordan's Muon as airbench94 uses it: filters are scaled to a fixed norm before each orthogonal step."""

    def __init__(self, groups: list, lr: float, momentum: float, iterations: int) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "iterations": iterations})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                velocity = self.state[p].setdefault("velocity", torch.zeros_like(p))
                velocity.mul_(group["momentum"]).add_(p.grad)
                update = p.grad + group["momentum"] * velocity
                p.mul_(len(p) ** 0.5 / p.norm())
                update = orthogonal(update.reshape(len(p), -1), group["iterations"]).view(p.shape)
                p -= group["lr"] * update


def orthogonal(matrix: torch.Tensor, iterations: int) -> torch.Tensor:
    """The iteration of Newton and Schulz with Jordan's three numbers, in f64."""
    x = matrix.double() / matrix.double().norm()
    x = x.T if matrix.shape[0] > matrix.shape[1] else x
    for _ in range(iterations):
        square = x @ x.T
        x = 3.4445 * x + (-4.775 * square + 2.0315 * square @ square) @ x
    return (x.T if matrix.shape[0] > matrix.shape[1] else x).float()


class Both(torch.optim.Optimizer):
    """Muon for filters and SGD for the rest, with one learning rate that schedules scale."""

    def __init__(self, w: torch.Tensor, b: torch.Tensor, recipe: dict) -> None:
        rate = recipe.get("learning_rate", 0.24)
        super().__init__([w], {"lr": rate})
        self.rate, others = rate, dict(recipe["others"])
        self.rate_of_others = others["learning_rate"]
        self.muon = Muon([w], rate, recipe.get("momentum", 0.6), recipe.get("iterations", 3))
        decay = others["groups"]["biases"]["weight_decay"]
        self.sgd = SGD([b], lr=self.rate_of_others, momentum=others["momentum"], nesterov=True, weight_decay=decay)

    def step(self) -> None:
        rate = self.param_groups[0]["lr"]
        self.muon.param_groups[0]["lr"] = rate
        self.sgd.param_groups[0]["lr"] = self.rate_of_others * rate / self.rate
        self.muon.step()
        self.sgd.step()

    def zero_grad(self) -> None:
        self.muon.zero_grad()
        self.sgd.zero_grad()


def optimizer_of(recipe: dict, w: torch.Tensor, b: torch.Tensor) -> torch.optim.Optimizer:
    if recipe["kind"] == "muon":
        return Both(w, b, recipe)
    recipe = dict(recipe)
    kind, rate, decay = recipe.pop("kind"), recipe.pop("learning_rate"), recipe.pop("weight_decay", 0.0)
    biases = recipe.pop("groups", {}).get("biases", {})
    groups = [
        {"params": [w], "weight_decay": decay},
        {
            "params": [b],
            "weight_decay": biases.get("weight_decay", 0.0),
            "lr": rate * biases.get("learning_rate_scale", 1.0),
        },
    ]
    if "epsilon" in recipe:
        recipe["eps"] = recipe.pop("epsilon")
    if kind in ("adam", "adamw"):
        recipe["betas"] = (recipe.pop("beta_1", 0.9), recipe.pop("beta_2", 0.999))
    return {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW, "lion": Lion}[kind](groups, lr=rate, **recipe)


def schedule_of(recipe: dict, optimizer: torch.optim.Optimizer) -> schedules.LRScheduler:
    rate = optimizer.param_groups[0]["lr"]
    match recipe["kind"]:
        case "constant":
            return schedules.ConstantLR(optimizer, factor=1.0)
        case "step":
            milestones = [int(place * STEPS) for place in recipe.get("milestones", [0.5, 0.75])]
            return schedules.MultiStepLR(optimizer, milestones, gamma=recipe.get("factor", 0.1))
        case "cosine":
            rising = int(recipe.get("warmup", 0.0) * STEPS)
            floor = rate * recipe.get("floor", 0.0)
            falling = schedules.CosineAnnealingLR(optimizer, STEPS - rising, eta_min=floor)
            if not rising:
                return falling
            warmup = schedules.LinearLR(optimizer, start_factor=1 / (rising + 1), total_iters=rising)
            return schedules.SequentialLR(optimizer, [warmup, falling], milestones=[rising])
        case "one_cycle":
            start = recipe.get("start", 0.04)
            return schedules.OneCycleLR(
                optimizer,
                max_lr=rate,
                total_steps=STEPS,
                pct_start=recipe.get("warmup", 0.3),
                div_factor=1 / start,
                final_div_factor=start / recipe.get("floor", 4e-6),
                cycle_momentum=False,
            )
        case "piecewise":
            points = [(int(place * STEPS), factor) for place, factor in recipe["points"]]

            def line(step: int) -> float:
                for (start, low), (end, high) in zip(points, points[1:]):
                    if start <= step <= end:
                        return low + (high - low) * (step - start) / (end - start)
                raise ValueError(step)

            return schedules.LambdaLR(optimizer, line)


def run(optimizer: dict, schedule: dict, clip_norm: float) -> dict:
    shape = (4, 3, 2, 1) if optimizer["kind"] == "muon" else (1, 3)
    count = math.prod(shape)
    c = torch.tensor([1.0, 2.0, 3.0])
    slopes = torch.tensor([1.0 + 2.0 * at / (count - 1) for at in range(count)]).view(shape)
    start = [0.5, -1.0, 2.0] if count == 3 else [(at * 7 % 11 - 5) / 4 for at in range(count)]
    w = torch.tensor(start).view(shape).requires_grad_()
    b = torch.ones(3, requires_grad=True)
    descent = optimizer_of(optimizer, w, b)
    scheduler = schedule_of(schedule, descent)
    rates = []
    for _ in range(STEPS):
        rates.append(descent.param_groups[0]["lr"])
        descent.zero_grad()
        ((slopes * w * w).sum() + (c * b).sum()).backward()
        if clip_norm:
            torch.nn.utils.clip_grad_norm_([w, b], clip_norm)
        descent.step()
        scheduler.step()
    return {
        "optimizer": optimizer,
        "schedule": schedule,
        "clip_norm": clip_norm,
        "learning_rates": rates,
        "shape": shape,
        "weight": w.flatten().tolist(),
        "bias": b.tolist(),
    }


print("[\n" + ",\n".join(json.dumps(run(*case)) for case in CASES) + "\n]")
