"""What is known of single jobs beside their end: asked of Airbyte within bounds."""
