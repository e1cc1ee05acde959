"""The rotation function: what AWS Lambda runs when Secrets Manager renews a secret. Standard library and boto3 alone.

`handler` takes the events, `steps` are the four steps of a rotation, `watch` retires what has been replaced and measures ages,
`store` is Secrets Manager as they see it; and there is one module for each kind of service that issues credentials: `fortigate`,
`zscaler`, `token_endpoint`.

It is shipped as it stands here (`..package`). Nothing in here logs a secret, or puts one into an error's text.
"""
