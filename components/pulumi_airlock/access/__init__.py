"""Routes: who may reach what. The model, the access file, names and expectations. No Pulumi import in here."""
