"""What the simulator raises when a test asks for something that cannot be."""


class SimulatorError(RuntimeError):
    """Raised if the simulated Airbyte cannot do what the test asks for."""
