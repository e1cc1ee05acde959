from policy_testing import UNKNOWN, on, resource

ENVIRONMENT = "aws:mwaa/environment:Environment"
IGW = "aws:ec2/internetGateway:InternetGateway"
VGW = "aws:ec2/vpnGateway:VpnGateway"
ROUTE = "aws:ec2/route:Route"
TABLE = "aws:ec2/routeTable:RouteTable"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"

NETWORK = [
    resource("aws:ec2/subnet:Subnet", "private", cidrBlock="10.0.1.0/24"),
    resource("aws:ec2/subnet:Subnet", "public", cidrBlock="10.0.9.0/24"),
    resource(TABLE, "public-table"),
    resource(ASSOCIATION, "public-link", links={"subnetId": "public", "routeTableId": "public-table"}),
    resource(IGW, "igw"),
    resource(VGW, "vgw"),
    resource(ROUTE, "out", links={"routeTableId": "public-table", "gatewayId": "igw"}, destinationCidrBlock="0.0.0.0/0"),
    resource(ENVIRONMENT, "airflow", links={"networkConfiguration": "private"}),
]
LINK = resource(ASSOCIATION, "link", links={"subnetId": "private", "routeTableId": "table"})
STACK = [*NETWORK, resource(TABLE, "table"), LINK]


def route(name: str, gateway: str, cidr: str = "0.0.0.0/0"):
    return resource(ROUTE, name, links={"routeTableId": "table", "gatewayId": gateway}, destinationCidrBlock=cidr)


def test_airflow_subnet_no_internet_gateway():
    policy = on("airflow-subnet-no-internet-gateway")
    # A NAT gateway's own subnet may have one; the tunnel's gateway is none.
    policy.passes([*STACK, route("tunnel", "vgw", "10.20.0.0/16")])
    policy.fails("airflow's subnets to an internet gateway", [*STACK, route("leak", "igw")], at="leak")
    literal = resource(ROUTE, "leak", links={"routeTableId": "table"}, gatewayId="igw-0123", destinationCidrBlock="0.0.0.0/0")
    policy.fails("internet gateway", [*STACK, literal], at="leak")
    inline = resource(TABLE, "table", links={"routes": "igw"}, routes=[{"cidrBlock": "0.0.0.0/0", "gatewayId": UNKNOWN}])
    policy.fails("routes[0]", [*NETWORK, inline, LINK], at="table")
    stranger = resource(ROUTE, "r", links={"routeTableId": "table"}, gatewayId=UNKNOWN, destinationCidrBlock="0.0.0.0/0")
    policy.undecided("gatewayId", [*STACK, stranger])


def test_airflow_subnet_no_default_route_to_tunnel():
    policy = on("airflow-subnet-no-default-route-to-tunnel")
    policy.passes([*STACK, route("zone", "vgw", "10.20.0.0/16")])
    policy.fails("sends 0.0.0.0/0", [*STACK, route("all", "vgw")], at="all")
    policy.undecided("all", [*STACK, route("all", "vgw", UNKNOWN)])


def test_airflow_subnet_own_route_table():
    policy = on("airflow-subnet-own-route-table")
    policy.passes(STACK)
    policy.fails("has no route table of its own", NETWORK, at="private")
    policy.undecided("routeTableAssociation", [*NETWORK, resource(ASSOCIATION, "somewhere", subnetId=UNKNOWN)])
