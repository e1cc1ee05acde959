"""Airflow by its official chart, on EKS or GKE."""
