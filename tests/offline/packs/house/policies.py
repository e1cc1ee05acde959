"""What the house pack's policies do. A module of its own: the pack's folder is on the path."""

import asyncio
from typing import Any

import pulumi
from pulumi_policy import ResourceValidationArgs, StackValidationArgs
from pulumi_policy.proxy import UNKNOWN_BOOLEAN_VALUE, UnknownValueError


def open_port(args: ResourceValidationArgs, report: Any) -> None:
    if args.props.get("cidr") == "0.0.0.0/0":
        report(f"{args.name} is open to 0.0.0.0/0")


def small(args: ResourceValidationArgs, report: Any) -> None:
    config = args.get_config()
    if args.props.get("size", 0) > config["largest"]:
        report(f"{args.props['size']:g} {config['unit']} is over {config['largest']:g} {config['unit']}")


def tagged(args: ResourceValidationArgs, report: Any) -> None:
    if not args.props.get("tags"):
        report("it has no tags")


def encrypt(args: ResourceValidationArgs) -> Any:
    # The SDK gives remediations the sentinel of an unknown, and raises nothing by itself.
    if args.props.get("encrypted") == UNKNOWN_BOOLEAN_VALUE:
        raise UnknownValueError(UNKNOWN_BOOLEAN_VALUE, ["encrypted"])
    if args.props.get("encrypted", True) is False:
        args.props["encrypted"] = True
        return args.props
    return None


def fix_what_cannot_be_fixed(args: ResourceValidationArgs) -> Any:
    return None


def only_buckets(args: ResourceValidationArgs, report: Any) -> None:
    if args.resource_type != "test:index:Bucket":
        args.not_applicable("only buckets are looked at")


def leak(args: ResourceValidationArgs, report: Any) -> None:
    if "password" in args.props:
        report(f"{args.props['password']!r} is short, and {pulumi.Config('bank').get('token')} is the token")


async def answer_later(args: ResourceValidationArgs, report: Any) -> None:
    await asyncio.sleep(0)
    if args.props.get("late"):
        report("too late")


def same_stack(args: ResourceValidationArgs, report: Any) -> None:
    here = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    here += f" {pulumi.runtime.is_dry_run()} {pulumi.Config('bank').get('region')} {args.stack_tags.get('team')}"
    if args.props.get("expects", here) != here:
        report(f"it runs in {here}")


def linked(args: StackValidationArgs, report: Any) -> None:
    for one in args.resources:
        if one.resource_type != "test:index:Rule":
            continue
        groups = [group.name for group in one.property_dependencies.get("groupId", [])]
        if not groups:
            report(f"{one.name} belongs to no group; its parent is {one.parent.name if one.parent else None}", one.urn)


def whole_stack(args: StackValidationArgs, report: Any) -> None:
    if not any(one.resource_type == "test:index:Bucket" for one in args.resources):
        report("there is none")
