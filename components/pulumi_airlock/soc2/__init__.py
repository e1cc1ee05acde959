"""Evidence for auditors: SOC 2 criteria, and what of one preview speaks for each of them.

`criteria` names the criteria; `model` is the file that an auditor gets; `gather` makes it of what policies, proof, access file
and identity say (`controls` has those that are no policies); `files` writes it, reads it back and checks it; `judging` runs packs
over resources without an engine; `signing` is about detached signatures; `commits` asks git.
"""
