"""The two services as simulations over real HTTP, for the demo and the tests. The product itself never imports this."""
