"""Simulated types of AWS (see `simulated_types`).

Forms of ids and ARNs: AWS Service Authorization Reference, "Resource types".
"""

from collections.abc import Mapping
from typing import Any

from .simulation import Simulated


def _aws(
    id_: str, arn: str = "", forces: str = "", outputs: Mapping[str, Any] | None = None, refreshed: str = "", secret: str = ""
) -> Simulated:
    """A type of AWS; `arn` is what follows `arn:aws:`, every word of `forces` a property. `tagsAll` is what `tags` is."""
    arns = {"arn": f"arn:aws:{arn}"} if arn else {}
    computed = {**arns, **(outputs or {}), "tagsAll": "{in.tags}"}
    return Simulated(id_, computed, frozenset(forces.split()), frozenset(refreshed.split()), frozenset(secret.split()))


def _ec2(prefix: str, kind: str, forces: str = "", **outputs: Any) -> Simulated:
    """A type of EC2: `vpc-…` and its ARN."""
    return _aws(
        f"{prefix}-{{hex17}}", f"ec2:{{region}}:{{account}}:{kind}/{{out.id}}", forces, {"ownerId": "{account}", **outputs}
    )


def _tied(id_: str, forces: str, **outputs: Any) -> Simulated:
    """A type that has no life of its own: an association, a rule, a setting of another resource."""
    return Simulated(id_, outputs, frozenset(forces.split()))


_TUNNEL = {
    f"tunnel{n}{key}": template
    for n, network in ((1, "203.0.113.0/25"), (2, "203.0.113.128/25"))
    for key, template in {
        "Address": f"{{ip.{network}}}",
        "InsideCidr": f"{{inside.{n}.0}}/30",
        "VgwInsideAddress": f"{{inside.{n}.1}}",
        "CgwInsideAddress": f"{{inside.{n}.2}}",
        "PresharedKey": f"{{hex32.psk{n}}}",
        "BgpAsn": "64512",
        "BgpHoldtime": 30,
    }.items()
}

_EC2: dict[str, Simulated] = {
    "aws:ec2/vpc:Vpc": _ec2(
        "vpc",
        "vpc",
        "cidrBlock instanceTenancy ipv4IpamPoolId",
        mainRouteTableId="rtb-{hex17.main}",
        defaultRouteTableId="rtb-{hex17.main}",
        defaultSecurityGroupId="sg-{hex17.group}",
        defaultNetworkAclId="acl-{hex17.acl}",
        dhcpOptionsId="dopt-{hex17.dhcp}",
        enableDnsSupport=True,
    ),
    "aws:ec2/subnet:Subnet": _ec2("subnet", "subnet", "vpcId cidrBlock availabilityZone availabilityZoneId outpostArn"),
    "aws:ec2/internetGateway:InternetGateway": _ec2("igw", "internet-gateway"),
    "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": _ec2("eigw", "egress-only-internet-gateway", "vpcId"),
    "aws:ec2/natGateway:NatGateway": _ec2(
        "nat",
        "natgateway",
        "subnetId allocationId connectivityType privateIp",
        publicIp="{ip.203.0.113.0/24}",
        privateIp="{ip.10.255.0.0/16}",
        networkInterfaceId="eni-{hex17.eni}",
    ),
    "aws:ec2/eip:Eip": _ec2(
        "eipalloc", "elastic-ip", "domain address", allocationId="{out.id}", publicIp="{ip.203.0.113.0/24}", domain="vpc"
    ),
    "aws:ec2/routeTable:RouteTable": _ec2("rtb", "route-table", "vpcId"),
    "aws:ec2/defaultRouteTable:DefaultRouteTable": _ec2("rtb", "route-table", "defaultRouteTableId"),
    "aws:ec2/route:Route": _tied(
        "r-{in.routeTableId}{digits10}",
        "routeTableId destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId",
        origin="CreateRoute",
        state="active",
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _tied("rtbassoc-{hex17}", "subnetId gatewayId"),
    "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation": _tied("rtbassoc-{hex17}", "vpcId"),
    "aws:ec2/securityGroup:SecurityGroup": _ec2("sg", "security-group", "vpcId name namePrefix description", name="{name}"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _ec2("sg", "security-group", "vpcId", name="default"),
    "aws:ec2/securityGroupRule:SecurityGroupRule": _tied(
        "sgrule-{digits10}",
        "type securityGroupId protocol fromPort toPort cidrBlocks ipv6CidrBlocks prefixListIds sourceSecurityGroupId self",
        securityGroupRuleId="sgr-{hex17}",
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _aws(
        "sgr-{hex17}",
        "ec2:{region}:{account}:security-group-rule/{out.id}",
        "securityGroupId",
        {"securityGroupRuleId": "{out.id}"},
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _aws(
        "sgr-{hex17}",
        "ec2:{region}:{account}:security-group-rule/{out.id}",
        "securityGroupId",
        {"securityGroupRuleId": "{out.id}"},
    ),
    "aws:ec2/networkAcl:NetworkAcl": _ec2("acl", "network-acl", "vpcId"),
    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": _ec2("acl", "network-acl", "defaultNetworkAclId"),
    "aws:ec2/networkAclRule:NetworkAclRule": _tied(
        "nacl-{digits10}", "networkAclId ruleNumber egress protocol ruleAction cidrBlock ipv6CidrBlock fromPort toPort"
    ),
    "aws:ec2/networkAclAssociation:NetworkAclAssociation": _tied("aclassoc-{hex17}", "networkAclId subnetId"),
    "aws:ec2/managedPrefixList:ManagedPrefixList": _ec2("pl", "prefix-list", "addressFamily", version=1),
    "aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry": _tied("{in.prefixListId},{in.cidr}", "cidr prefixListId"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _ec2(
        "vpce",
        "vpc-endpoint",
        "vpcId serviceName vpcEndpointType",
        vpcEndpointType="Gateway",
        state="available",
        prefixListId="pl-{hex8}",
        networkInterfaceIds=["eni-{hex17.a}", "eni-{hex17.b}"],
        dnsEntries=[{"dnsName": "{out.id}-{hex8}.vpce.amazonaws.com", "hostedZoneId": "Z{upper13}"}],
    ),
    "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation": _tied(
        "a-{in.vpcEndpointId}{digits10}", "routeTableId vpcEndpointId"
    ),
    "aws:ec2/vpcEndpointSubnetAssociation:VpcEndpointSubnetAssociation": _tied(
        "a-{in.vpcEndpointId}{digits10}", "subnetId vpcEndpointId"
    ),
    "aws:ec2/flowLog:FlowLog": _ec2(
        "fl", "vpc-flow-log", "vpcId subnetId eniId trafficType logDestination logDestinationType iamRoleArn logFormat"
    ),
    "aws:ec2/networkInterface:NetworkInterface": _ec2("eni", "network-interface", "subnetId", privateIp="{ip.10.255.0.0/16}"),
    "aws:ec2/vpcDhcpOptions:VpcDhcpOptions": _ec2("dopt", "dhcp-options", "domainName domainNameServers ntpServers"),
    "aws:ec2/vpcDhcpOptionsAssociation:VpcDhcpOptionsAssociation": _tied("{in.dhcpOptionsId}-{in.vpcId}", "vpcId"),
}

_VPN: dict[str, Simulated] = {
    "aws:ec2/customerGateway:CustomerGateway": _ec2(
        "cgw", "customer-gateway", "bgpAsn bgpAsnExtended ipAddress type certificateArn deviceName"
    ),
    "aws:ec2/vpnGateway:VpnGateway": _ec2("vgw", "vpn-gateway", "amazonSideAsn availabilityZone", amazonSideAsn="64512"),
    "aws:ec2/vpnGatewayAttachment:VpnGatewayAttachment": _tied("vpn-attachment-{hex8}", "vpcId vpnGatewayId"),
    "aws:ec2/vpnGatewayRoutePropagation:VpnGatewayRoutePropagation": _tied(
        "{in.vpnGatewayId}_{in.routeTableId}", "vpnGatewayId routeTableId"
    ),
    "aws:ec2/vpnConnection:VpnConnection": _aws(
        "vpn-{hex17}",
        "ec2:{region}:{account}:vpn-connection/{out.id}",
        "type enableAcceleration localIpv4NetworkCidr tunnelInsideIpVersion outsideIpAddressType",
        {
            **_TUNNEL,
            "customerGatewayConfiguration": '<vpn_connection id="{out.id}"/>',
            "transitGatewayAttachmentId": "tgw-attach-{hex17.attach}",
            "enableAcceleration": False,
        },
        secret="tunnel1PresharedKey tunnel2PresharedKey customerGatewayConfiguration",  # noqa: S106
    ),
    "aws:ec2/vpnConnectionRoute:VpnConnectionRoute": _tied(
        "{in.destinationCidrBlock}:{in.vpnConnectionId}", "destinationCidrBlock vpnConnectionId"
    ),
    "aws:ec2transitgateway/transitGateway:TransitGateway": _ec2(
        "tgw",
        "transit-gateway",
        "amazonSideAsn multicastSupport transitGatewayCidrBlocks",
        amazonSideAsn=64512,
        associationDefaultRouteTableId="tgw-rtb-{hex17.assoc}",
        propagationDefaultRouteTableId="tgw-rtb-{hex17.assoc}",
    ),
    "aws:ec2transitgateway/vpcAttachment:VpcAttachment": _ec2(
        "tgw-attach", "transit-gateway-attachment", "vpcId transitGatewayId", vpcOwnerId="{account}"
    ),
    "aws:ec2transitgateway/routeTable:RouteTable": _ec2("tgw-rtb", "transit-gateway-route-table", "transitGatewayId"),
    "aws:ec2transitgateway/route:Route": _tied(
        "{in.transitGatewayRouteTableId}_{in.destinationCidrBlock}",
        "destinationCidrBlock transitGatewayAttachmentId transitGatewayRouteTableId blackhole",
    ),
    "aws:ec2transitgateway/routeTableAssociation:RouteTableAssociation": _tied(
        "{in.transitGatewayRouteTableId}_{in.transitGatewayAttachmentId}", "transitGatewayAttachmentId transitGatewayRouteTableId"
    ),
    "aws:ec2transitgateway/routeTablePropagation:RouteTablePropagation": _tied(
        "{in.transitGatewayRouteTableId}_{in.transitGatewayAttachmentId}", "transitGatewayAttachmentId transitGatewayRouteTableId"
    ),
}

_BUCKET = _aws(
    "{name}",
    "s3:::{name}",
    "bucket bucketPrefix objectLockEnabled",
    {
        "bucket": "{name}",
        "bucketDomainName": "{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": "{name}.s3.{region}.amazonaws.com",
        "hostedZoneId": "Z{upper13}",
    },
)
_BUCKET_SETTING = _tied("{in.bucket}", "bucket expectedBucketOwner")
_OBJECT = _aws(
    "{in.key}",
    "s3:::{in.bucket}/{in.key}",
    "bucket key",
    {"versionId": "{content}", "etag": "{content}", "serverSideEncryption": "aws:kms"},
    refreshed="versionId etag",
)

_STORAGE: dict[str, Simulated] = {
    "aws:s3/bucket:Bucket": _BUCKET,
    "aws:s3/bucketV2:BucketV2": _BUCKET,
    "aws:s3/bucketObject:BucketObject": _OBJECT,
    "aws:s3/bucketObjectv2:BucketObjectv2": _OBJECT,
    **{
        f"aws:s3/{name}:{name[0].upper()}{name[1:]}": _BUCKET_SETTING
        for name in (
            "bucketLifecycleConfiguration",
            "bucketLifecycleConfigurationV2",
            "bucketLogging",
            "bucketObjectLockConfiguration",
            "bucketLoggingV2",
            "bucketOwnershipControls",
            "bucketPolicy",
            "bucketPublicAccessBlock",
            "bucketServerSideEncryptionConfiguration",
            "bucketServerSideEncryptionConfigurationV2",
            "bucketVersioning",
            "bucketVersioningV2",
        )
    },
}

_IDENTITY: dict[str, Simulated] = {
    "aws:iam/role:Role": _aws(
        "{name}",
        "iam::{account}:role/{name}",
        "name namePrefix path",
        {
            "name": "{name}",
            "uniqueId": "AROA{upper17}",
            "path": "/",
            "createDate": "2026-01-01T00:00:00Z",
            "maxSessionDuration": 3600,
        },
    ),
    "aws:iam/policy:Policy": _aws(
        "arn:aws:iam::{account}:policy/{name}",
        "iam::{account}:policy/{name}",
        "name namePrefix path description",
        {"name": "{name}", "policyId": "ANPA{upper17}", "path": "/", "attachmentCount": 0},
    ),
    "aws:iam/rolePolicy:RolePolicy": _tied("{in.role}:{name}", "role name namePrefix", name="{name}"),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _tied("{in.role}-{digits14}", "role policyArn"),
    "aws:iam/instanceProfile:InstanceProfile": _aws(
        "{name}",
        "iam::{account}:instance-profile/{name}",
        "name namePrefix path",
        {"name": "{name}", "uniqueId": "AIPA{upper17}"},
    ),
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": _aws(
        "arn:aws:iam::{account}:role/aws-service-role/{in.awsServiceName}/{name}",
        "iam::{account}:role/aws-service-role/{in.awsServiceName}/{name}",
        "awsServiceName customSuffix",
        {"name": "{name}", "uniqueId": "AROA{upper17}"},
    ),
    "aws:kms/key:Key": _aws(
        "{hex8}-{hex4.a}-4{hex3.b}-a{hex3.c}-{hex12.d}",
        "kms:{region}:{account}:key/{out.id}",
        "customerMasterKeySpec keyUsage customKeyStoreId multiRegion",
        {"keyId": "{out.id}", "keyUsage": "ENCRYPT_DECRYPT", "multiRegion": False},
    ),
    "aws:kms/alias:Alias": _aws(
        "{name}", "kms:{region}:{account}:{name}", "name namePrefix", {"name": "{name}", "targetKeyArn": "{in.targetKeyId}"}
    ),
    "aws:kms/keyPolicy:KeyPolicy": _tied("{in.keyId}", "keyId"),
    "aws:kms/grant:Grant": _tied("{in.keyId}:{hex64}", "keyId granteePrincipal operations constraints", grantId="{hex64}"),
    "aws:secretsmanager/secret:Secret": _aws(
        "arn:aws:secretsmanager:{region}:{account}:secret:{name}-{hex6}",
        "secretsmanager:{region}:{account}:secret:{name}-{hex6}",
        "name namePrefix",
        {"name": "{name}"},
    ),
    "aws:secretsmanager/secretVersion:SecretVersion": _tied(
        "{in.secretId}|{hex32.version}", "secretId secretString secretBinary", arn="{in.secretId}", versionId="{hex32.version}"
    ),
    "aws:ssm/parameter:Parameter": _aws(
        "{name}", "ssm:{region}:{account}:parameter/{name}", "name", {"name": "{name}", "version": 1}, refreshed="version"
    ),
}

_AIRFLOW: dict[str, Simulated] = {
    "aws:mwaa/environment:Environment": _aws(
        "{name}",
        "airflow:{region}:{account}:environment/{name}",
        "name kmsKey networkConfiguration endpointManagement",
        {
            "name": "{name}",
            "createdAt": "2026-01-01T00:00:00Z",
            "status": "AVAILABLE",
            "serviceRoleArn": "arn:aws:iam::{account}:role/aws-service-role/airflow.amazonaws.com/AWSServiceRoleForAmazonMWAA",
            "webserverUrl": "{hex8}-{hex4.a}-4{hex3.b}-a{hex3.c}-{hex12.d}.c{digits2}.{region}.airflow.amazonaws.com",
            "webserverVpcEndpointService": "com.amazonaws.vpce.{region}.vpce-svc-{hex17.web}",
            "databaseVpcEndpointService": "com.amazonaws.vpce.{region}.vpce-svc-{hex17.database}",
            "webserverAccessMode": "PRIVATE_ONLY",
            "endpointManagement": "SERVICE",
        },
    ),
    "aws:cloudwatch/logGroup:LogGroup": _aws(
        "{name}", "logs:{region}:{account}:log-group:{name}", "name namePrefix logGroupClass", {"name": "{name}"}
    ),
    "aws:cloudwatch/logStream:LogStream": _aws(
        "{name}", "logs:{region}:{account}:log-group:{in.logGroupName}:log-stream:{name}", "name logGroupName", {"name": "{name}"}
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _aws(
        "{name}", "cloudwatch:{region}:{account}:alarm:{name}", "name", {"name": "{name}"}
    ),
    "aws:sns/topic:Topic": _aws(
        "arn:aws:sns:{region}:{account}:{name}", "sns:{region}:{account}:{name}", "name namePrefix fifoTopic", {"name": "{name}"}
    ),
}

_LOGGING: dict[str, Simulated] = {
    "aws:cloudtrail/trail:Trail": _aws(
        "arn:aws:cloudtrail:{region}:{account}:trail/{name}",
        "cloudtrail:{region}:{account}:trail/{name}",
        "name",
        {"name": "{name}", "homeRegion": "{region}"},
    ),
    "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter": _tied("cwlsf-{digits10}", "logGroup name", name="{name}"),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": _aws(
        "arn:aws:firehose:{region}:{account}:deliverystream/{name}",
        "firehose:{region}:{account}:deliverystream/{name}",
        "name destination kinesisSourceConfiguration",
        {"name": "{name}", "destinationId": "destinationId-000000000001", "versionId": "1"},
    ),
}

_CONTAINERS: dict[str, Simulated] = {
    "aws:ecs/cluster:Cluster": _aws(
        "arn:aws:ecs:{region}:{account}:cluster/{name}", "ecs:{region}:{account}:cluster/{name}", "name", {"name": "{name}"}
    ),
    # Every change is a new revision of the family.
    "aws:ecs/taskDefinition:TaskDefinition": _aws(
        "{in.family}",
        "ecs:{region}:{account}:task-definition/{in.family}:1",
        "family containerDefinitions cpu memory executionRoleArn taskRoleArn networkMode requiresCompatibilities runtimePlatform "
        "volumes",
        {"revision": 1, "arnWithoutRevision": "arn:aws:ecs:{region}:{account}:task-definition/{in.family}"},
    ),
    "aws:ecs/service:Service": _aws(
        "arn:aws:ecs:{region}:{account}:service/{name}",
        "ecs:{region}:{account}:service/{name}",
        "name cluster launchType schedulingStrategy",
        {"name": "{name}"},
    ),
    "aws:lb/loadBalancer:LoadBalancer": _aws(
        "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/net/{name}/{hex16}",
        "elasticloadbalancing:{region}:{account}:loadbalancer/net/{name}/{hex16}",
        "name namePrefix internal loadBalancerType",
        {"name": "{name}", "dnsName": "{name}-{hex16}.elb.{region}.amazonaws.com", "zoneId": "Z{upper13}"},
    ),
    "aws:lb/targetGroup:TargetGroup": _aws(
        "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{name}/{hex16}",
        "elasticloadbalancing:{region}:{account}:targetgroup/{name}/{hex16}",
        "name namePrefix port protocol targetType vpcId",
        {"name": "{name}"},
    ),
    "aws:lb/listener:Listener": _aws(
        "arn:aws:elasticloadbalancing:{region}:{account}:listener/net/{hex16}/{hex16.listener}",
        "elasticloadbalancing:{region}:{account}:listener/net/{hex16}/{hex16.listener}",
        "loadBalancerArn",
    ),
    "aws:route53/record:Record": _tied("{in.zoneId}_{in.name}_{in.type}", "zoneId name type setIdentifier", fqdn="{in.name}"),
}

AWS: Mapping[str, Simulated] = {**_EC2, **_VPN, **_STORAGE, **_IDENTITY, **_AIRFLOW, **_LOGGING, **_CONTAINERS}
"""Every simulated type of AWS, by its token."""
