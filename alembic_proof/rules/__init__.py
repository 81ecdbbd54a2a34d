"""One module is one rule; ``rules.base`` holds what they share. The package itself is the registry."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache

from alembic_proof.rules.base import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, ordered by code.

    Raises:
        ImportError: a module does not hold exactly one rule named as the module is, or two rules
            share a code.

    """
    rules: dict[str, Rule] = {}
    for module_info in pkgutil.iter_modules(__path__):
        if module_info.name == "base":
            continue
        rule = _rule_of(module_info.name)
        if rule.code in rules:
            raise ImportError(f"{rule.name} and {rules[rule.code].name} share {rule.code}")
        rules[rule.code] = rule
    return tuple(rules[code] for code in sorted(rules))


def find_rule(name_or_code: str) -> Rule | None:
    """The rule with this name or code, in any letter case; None when there is none."""
    wanted = name_or_code.lower()
    return next((rule for rule in all_rules() if wanted in (rule.name, rule.code.lower())), None)


def _rule_of(module_name: str) -> Rule:
    module = importlib.import_module(f"{__name__}.{module_name}")
    classes = [
        item
        for item in vars(module).values()
        if inspect.isclass(item)
        and issubclass(item, Rule)
        and item is not Rule
        and item.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise ImportError(f"{module.__name__} must hold exactly one rule, it holds {len(classes)}")
    rule = classes[0]()
    if rule.name != module_name.replace("_", "-"):
        raise ImportError(f"{module.__name__} holds a rule named {rule.name}")
    return rule
