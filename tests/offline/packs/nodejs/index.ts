new PolicyPack("nodejs", { policies: [] });
