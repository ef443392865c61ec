"""What Nightshift adds to Airflow's web server."""
