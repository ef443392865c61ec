"""Everything of Nightshift that knows Airflow. The logic is in `include`, which does not."""
