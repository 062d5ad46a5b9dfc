"""Generate Caffe nets and solvers from templates."""
