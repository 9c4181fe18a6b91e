"""Each module is valid, and its own tests pass, by Terraform with the provider's real schema."""

from __future__ import annotations

import pytest

from support.terraform import Provider, Terraform, TerraformFailed, copied

MISTAKES = {
    "an unknown argument": ("billing_mode ", "billing_modus ", 'argument named "billing_modus"'),
    "a missing one": ('    name = local.key_attribute\n    type = "S"', "", 'argument "name"'),
    "an unknown block": ("ttl {", "time_to_live {", 'type "time_to_live"'),
}


@pytest.fixture(scope="module")
def aws(aws_provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    folder = copied("aws", tmp_path_factory.mktemp("module"))
    return Terraform(folder, [aws_provider.mirror])


def test_the_aws_module_passes_its_own_tests(aws: Terraform) -> None:
    said = aws("test")
    assert " 0 failed" in said
    assert said.count("... pass") > 9


def test_the_aws_module_is_valid_and_a_mistake_in_it_is_not(aws: Terraform) -> None:
    aws("validate")
    main = aws.folder / "main.tf"
    right = main.read_text("utf-8")
    wrong = right
    for old, new, _ in MISTAKES.values():
        assert old in wrong
        wrong = wrong.replace(old, new)
    try:
        main.write_text(wrong, "utf-8")
        with pytest.raises(TerraformFailed) as failed:
            aws("validate")
    finally:
        main.write_text(right, "utf-8")
    for _, _, said in MISTAKES.values():
        assert said in str(failed.value)
