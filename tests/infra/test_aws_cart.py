"""The shopping cart: deployed by Terraform, run from the deployed zip, used, and taken down.

One test, as a deployment takes too long to have one for each of the things it shows.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from serverless_sessions import clock, ids
from serverless_sessions.testing.cases.base import loaded
from servers.iam_proxy import Policy, iam_proxy
from servers.lambda_rie import LambdaFunction, LambdaRuntime
from servers.process import HOST, TESTS
from support.deployed import LISTS, Cart, Cloud, deployed_cart
from support.dynamodb import items
from support.terraform import Provider
from support.visitor import SESSION, Visitor

with warnings.catch_warnings():
    warnings.simplefilter("ignore", ResourceWarning)  # it leaves its own files open
    from parliament import analyze_policy_string

CONTRACT = TESTS / "infra" / "as_the_function.py"


@pytest.mark.timeout(600)
def test_the_cart_on_aws(
    aws_provider: Provider, cloud: Cloud, lambda_runtime: LambdaRuntime, tmp_path: Path
) -> None:
    with deployed_cart(cloud, aws_provider.mirror, tmp_path) as cart:
        assert cloud.what_has(cart.name) == set(LISTS)
        cart.terraform.assert_settled(**cart.variables)
        the_library_takes_the_table(cart)
        policy = Policy(cart.outputs["policy_json"])
        with iam_proxy(cloud.port, policy, cart.table_arns) as port:
            to_dynamodb = f"http://{HOST}:{port}"
            environment = {**cloud.environment, "AWS_ENDPOINT_URL_DYNAMODB": to_dynamodb}
            with cart.function(lambda_runtime, **environment) as function:
                somebody_shops(cart, function)
                the_settings_are_in_force(cart, function)
            the_contract_holds(cart, to_dynamodb)
        nothing_is_missing_or_idle(cart, policy)
        nothing_is_wrong_with_the_policies(cart)
    assert cloud.what_has(cart.name) == set()


def the_library_takes_the_table(cart: Cart) -> None:
    with cart.operator() as store:
        assert [finding for finding in store.check() if not finding.ok] == []


def somebody_shops(cart: Cart, function: LambdaFunction) -> None:
    visitor = visiting(function)
    assert visitor.get("/about").status == 200
    assert visitor.cookies == {}

    added = visitor.post("/cart/add", sku="mug")
    assert (added.status, added.values("location")) == (303, ["/"])
    visitor.post("/cart/change", sku="mug", step="1")
    assert in_cart(visitor) == 2
    with cart.operator() as store:
        assert len(items(store)) == 1

    anonymous = visitor.cookies[SESSION]
    visitor.post("/login", name="Ada")
    assert visitor.cookies[SESSION] != anonymous
    assert in_cart(visitor) == 2
    with cart.operator() as store:
        assert len(store.list_user("Ada")) == 1

    visitor.post("/logout")
    assert not visitor.cookies[SESSION]
    assert in_cart(visitor) == 0
    with cart.operator() as store:
        assert store.list_user("Ada") == []


def the_settings_are_in_force(cart: Cart, function: LambdaFunction) -> None:
    visitor = visiting(function)
    visitor.post("/cart/add", sku="mug")
    with cart.operator() as store:
        record = loaded(store, ids.stored_key(visitor.cookies[SESSION]))
    assert 0 < record.idle - clock.now() <= 3600


def the_contract_holds(cart: Cart, endpoint: str) -> None:
    """The store contract suite, with the rights of the function."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(CONTRACT)],
        cwd=TESTS.parent,
        env={
            **os.environ,
            "TABLE": cart.name,
            "ENDPOINT": endpoint,
            "CLOUD": str(cart.cloud.port),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def nothing_is_missing_or_idle(cart: Cart, policy: Policy) -> None:
    assert policy.denied == set()
    assert policy.unused == set()
    assert {call.arn for call in policy.granted} == {cart.table_arns + cart.name}


def nothing_is_wrong_with_the_policies(cart: Cart) -> None:
    for text in cart.policies:
        assert analyze_policy_string(text).findings == []
    spoiled = cart.policies[0].replace("dynamodb:GetItem", "dynamodb:ReadItem")
    assert [str(one.issue) for one in analyze_policy_string(spoiled).findings] == ["UNKNOWN_ACTION"]


def visiting(function: LambdaFunction) -> Visitor:
    return Visitor(lambda event, _: function.invoke(event), "http-api")


def in_cart(visitor: Visitor) -> int:
    found = re.search(r"Cart <b>(\d+)</b>", visitor.get("/").body.decode())
    return int(found[1]) if found else 0
