import * as airlock from "@pulumi/airlock";
import * as pulumi from "@pulumi/pulumi";
import * as fs from "fs";

const config = new pulumi.Config();
const owner = "airflow-platform@bank.example";

// Who may reach what is written once: every gate below is compiled from it, and all of them are proven against it.
const access = fs.readFileSync("access.yaml", "utf8");
new airlock.Access("access", { access });

const vpc = new airlock.AirflowVpc("airflow", {
    owner,
    cidr: "10.40.0.0/20",
    availabilityZones: ["eu-central-1a", "eu-central-1b"],
    endpointCidrs: ["10.40.14.0/26", "10.40.14.64/26"],
    extraServices: ["secretsmanager", "sts"],
});

const finance = new airlock.MwaaEnvironment("finance", {
    owner,
    vpc,
    airflowVersion: "3.0.6",
    scale: { environmentClass: "mw1.small", maxWorkers: 5 },
    code: { dags: "dags" },
    subnetCidrs: ["10.40.0.0/26", "10.40.0.64/26"],
});

const vpn = new airlock.SiteToSiteVpn("vpn", {
    deviceAddress: "203.0.113.250",
    wanInterface: "wan1",
    cloudCidrs: [vpc.cidr],
    deviceCidrs: ["10.20.0.0/16"],
    vpcId: vpc.vpcId,
    tags: { owner },
});

const subnets = config.requireObject<string[]>("proxySubnets");
const secrets = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:airlock/proxy";
const proxy = new airlock.TcpProxy("tcp-proxy", {
    access,
    issuers: [
        {
            name: "finance",
            kind: "sts",
            environment: "finance",
            issuer: "https://abc.tokens.sts.global.api.aws",
            audience: "airlock-proxy",
            subject: "arn:aws:iam::123456789012:role/finance",
        },
    ],
    platform: {
        clusterArn: config.require("clusterArn"),
        vpcId: vpc.vpcId,
        subnets: [
            { id: subnets[0], cidr: "10.40.12.0/26" },
            { id: subnets[1], cidr: "10.40.12.64/26" },
        ],
        region: "eu-central-1",
        host: "proxy.airlock.internal",
        certificate: { certificate: `${secrets}/certificate`, key: `${secrets}/key` },
        authority: fs.readFileSync("authority.pem", "utf8"),
        callers: { finance: finance.securityGroupId },
        kmsKeyArn: config.require("keyArn"),
        endpoints: vpc.endpointCidrs,
        keys: ["203.0.113.0/24"],
    },
});

// A component stands where Python takes its object: the environment's network, the VPN's gateway, the proxy's entry.
new airlock.AwsNetworkGate("aws_network", {
    access,
    environments: [finance],
    gateway: { datacenter: vpn },
    proxies: { warehouse: proxy },
});

new airlock.FortigateGate("fortigate", {
    access,
    sources: { finance: finance.subnetCidrs },
    tunnelInterface: vpn.zoneName,
    interfaces: { datacenter: "port3" },
});

export const webServer = finance.webserverUrl;
