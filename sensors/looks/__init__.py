"""What a tick says every five minutes beside its reports: how connections stand, and what runs have
left unsaid."""
