"""The whole product in one process, for a newcomer: web, worker, beat and an inbox, on a clock that runs fast."""
