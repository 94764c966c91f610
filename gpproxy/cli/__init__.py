"""What `gpproxy` itself answers, without a verb: what there is, and how a shell completes it."""
