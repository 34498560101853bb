"""The proof: what went into the topics against what came out, on a live cluster; a verdict out. It writes nothing."""

from stream.verify.proof import VerifyOptions, verify
from stream.verify.recount import no_bundle
from stream.verify.verdict import Found, Verdict

__all__ = ["Found", "Verdict", "VerifyOptions", "no_bundle", "verify"]
