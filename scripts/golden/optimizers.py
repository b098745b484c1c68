"""Writes the golden values of crates/train/src/tests/pytorch.rs.

    python3 scripts/golden/optimizers.py > crates/train/src/tests/pytorch.json        (needs torch)

Twenty steps on L = sum(c * w^2) + sum(c * b), c = 1, 2, 3, from w = 0.5, -1, 2 and b = 1, 1, 1, for each optimizer and each
schedule, written as a recipe has them. Weight decay is only for w unless a group says otherwise.
"""

import json

import torch
from torch.optim import SGD, Adam, AdamW, RMSprop
from torch.optim import lr_scheduler as schedules

STEPS = 20
SGD_PLAIN = {"kind": "sgd", "learning_rate": 0.01}
NESTEROV = {"kind": "sgd", "learning_rate": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}
CONSTANT = {"kind": "constant"}
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


def optimizer_of(recipe: dict, w: torch.Tensor, b: torch.Tensor) -> torch.optim.Optimizer:
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
    return {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}[kind](groups, lr=rate, **recipe)


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
    c = torch.tensor([1.0, 2.0, 3.0])
    w = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    b = torch.ones(3, requires_grad=True)
    descent = optimizer_of(optimizer, w, b)
    scheduler = schedule_of(schedule, descent)
    rates = []
    for _ in range(STEPS):
        rates.append(descent.param_groups[0]["lr"])
        descent.zero_grad()
        ((c * w * w).sum() + (c * b).sum()).backward()
        if clip_norm:
            torch.nn.utils.clip_grad_norm_([w, b], clip_norm)
        descent.step()
        scheduler.step()
    return {
        "optimizer": optimizer,
        "schedule": schedule,
        "clip_norm": clip_norm,
        "learning_rates": rates,
        "weight": w.tolist(),
        "bias": b.tolist(),
    }


print("[\n" + ",\n".join(json.dumps(run(*case)) for case in CASES) + "\n]")
