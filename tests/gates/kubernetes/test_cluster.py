"""What a cluster is, read from objects, from manifests and from its declaration."""

import pytest
from pulumi_airlock.gates.kubernetes import Cluster, LabelSelector, read_cluster, stack_from_manifests
from pulumi_airlock.gates.stack import UNKNOWN
from pulumi_airlock.proof.sets import Hosts, Services


def _cluster(*documents: object) -> Cluster:
    return read_cluster(stack_from_manifests(documents), strangers=False)


def _pod(name: str, labels: dict[str, str], namespace: str = "data", **spec: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": spec}


def _service(name: str, selector: dict[str, str], ports: list[dict[str, object]], **spec: object) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "data"},
        "spec": {"selector": selector, "ports": ports, **spec},
    }


def test_a_service_stands_in_front_of_the_pods_that_it_selects_with_its_own_ports() -> None:
    container = {"name": "db", "ports": [{"name": "sql", "containerPort": 5433}]}
    cluster = _cluster(
        _pod("db-0", {"app": "db"}, serviceAccountName="db", containers=[container]),
        _service("warehouse", {"app": "db"}, [{"port": 5432, "targetPort": "sql"}]),
        _service("other", {"app": "web"}, [{"port": 80}]),
    )
    (db,) = cluster.workloads
    assert (db.name, db.names) == ("data/db", ("warehouse.data.svc.cluster.local",))
    assert cluster.reached([db], Services.of("tcp", 5433, 5433)) == [
        (Hosts.from_names(["warehouse.data.svc.cluster.local"]), Services.of("tcp", 5432, 5432))
    ]
    # A port of the pods that no Service has is met at the pods themselves.
    assert cluster.reached([db], Services.of("tcp", 9187, 9187))[0][1] == Services.of("tcp", 9187, 9187)


def test_workloads_that_share_an_account_are_told_apart_by_their_objects() -> None:
    cluster = _cluster(_pod("a", {"app": "a"}), _pod("b", {"app": "b"}))
    assert {one.name for one in cluster.workloads} == {"data/default (Pod a)", "data/default (Pod b)"}
    assert cluster.of_account("data", "default") == {"data/default (Pod a)", "data/default (Pod b)"}
    assert cluster.of_account("data", "nobody") == {"data/nobody"}


def test_pods_that_another_object_makes_are_its_pods() -> None:
    owned = _pod("web-x", {"app": "web"})
    owned["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "web", "controller": True}]  # type: ignore[index]
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "data"},
        "spec": {"template": {"metadata": {"labels": {"app": "web"}}, "spec": {"serviceAccountName": "web"}}},
    }
    cluster = _cluster({"apiVersion": "v1", "kind": "List", "items": [owned, deployment]})
    assert [one.owner for one in cluster.workloads] == ["Deployment web"]


def test_namespaces_have_their_name_as_a_label() -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "data", "labels": {"team": "bi"}}}
    cluster = _cluster(namespace, _pod("a", {}))
    assert cluster.labels_of("data") == {"team": "bi", "kubernetes.io/metadata.name": "data"}
    assert cluster.labels_of("elsewhere") == {"kubernetes.io/metadata.name": "elsewhere"}


def test_two_documents_of_one_object_are_refused() -> None:
    with pytest.raises(ValueError, match="Pod data/a is there twice"):
        stack_from_manifests([_pod("a", {}), _pod("a", {})])


@pytest.mark.parametrize(
    ("operator", "values", "chosen"),
    [
        ("In", ["a", "b"], ["a", "b"]),
        ("NotIn", ["a"], ["b", "none"]),
        ("Exists", [], ["a", "b"]),
        ("DoesNotExist", [], ["none"]),
    ],
)
def test_expressions_choose_as_the_api_says(operator: str, values: list[str], chosen: list[str]) -> None:
    selector = LabelSelector.parse({"matchExpressions": [{"key": "app", "operator": operator, "values": values}]})
    labels = {"a": {"app": "a"}, "b": {"app": "b"}, "none": {}}
    assert [name for name, one in labels.items() if selector.matches(one)] == chosen


def test_what_is_unknown_of_a_selector_is_told() -> None:
    selector = LabelSelector.parse({"matchLabels": {"app": UNKNOWN}}, "podSelector")
    assert selector.unknown == ("podSelector.matchLabels.app",)
    assert selector.matches({"app": "any"})
    assert not selector.matches({})


def test_pods_that_nothing_is_known_of_have_all_other_names_of_their_namespace() -> None:
    cluster = read_cluster(stack_from_manifests([_pod("a", {}), _service("a", {}, [])]))
    stranger = cluster.by_name["data/*"]
    (known,) = (one for one in cluster.workloads if not one.stands_for)
    assert known.names[0] not in stranger.hosts.names
    assert "other.data.svc.cluster.local" in stranger.hosts.names
    assert "other.elsewhere.svc.cluster.local" not in stranger.hosts.names
    assert cluster.labels_of("*") == {}


def test_of_init_containers_sidecars_alone_have_ports() -> None:
    pod = _pod("a", {})
    pod["spec"]["initContainers"] = [  # type: ignore[index]
        {"name": "proxy", "restartPolicy": "Always", "ports": [{"name": "mesh", "containerPort": 15001}]},
        {"name": "migrate", "ports": [{"name": "once", "containerPort": 9}]},
    ]
    (one,) = _cluster(pod).workloads
    assert one.ports.keys() & {"mesh", "once"} == {"mesh"}


def test_a_selector_of_which_nothing_is_known_says_so() -> None:
    assert LabelSelector.parse({"matchLabels": UNKNOWN}, "podSelector").unknown == ("podSelector.matchLabels",)
    values = LabelSelector.parse({"matchExpressions": [{"key": "app", "operator": "In", "values": UNKNOWN}]}, "podSelector")
    assert values.unknown == ("podSelector.matchExpressions[0]",)
    assert not LabelSelector.parse({"matchLabels": None, "matchExpressions": None}).unknown
