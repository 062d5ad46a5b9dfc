"""Caffe networks and solvers written from templates."""
