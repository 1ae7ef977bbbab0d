from fuel_upgrade.drill.scenario import by_base
from fuel_upgrade.upgrade.plan.base_match import Need
from tests.builders import package

SAME, ONE, TWO = package("same"), package("one"), package("two")


def test_two_diffs_of_one_base_get_one_base_with_the_packages_of_both() -> None:
    needs = (
        Need("6.0", "ubuntu", "5.1", "sha256", (SAME, ONE)),
        Need("5.1.1", "ubuntu", "5.1", "sha256", (SAME, TWO)),
        Need("6.0", "centos", "5.1", "sha256", (SAME,)),
    )
    ubuntu, centos = by_base(needs)
    assert ubuntu.inherited == (SAME, ONE, TWO)
    assert centos == needs[2]
