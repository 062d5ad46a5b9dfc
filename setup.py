from pathlib import Path

from setuptools import find_packages, setup

# A test's second opinion on whole nets, and a runtime for `fcnkit verify`; OpenCV 5 reads no Caffe files.
OPENCV = ["opencv-python-headless>=4.8,<5"]
# What .onnx files need, and what runs them.
ONNX, ONNXRUNTIME = ["onnx>=1.18", "onnxscript>=0.5"], ["onnxruntime>=1.20"]
# What `fcnkit score --plot` and labels in .mat files need.
PLOT, MAT = ["matplotlib>=3.8"], ["scipy>=1.11"]
# What pictures of nets in pixels need.
PNG = ["resvg-py>=0.3"]
# What Data layers and `fcnkit train --tensorboard` need.
LMDB, TENSORBOARD = ["lmdb>=1.4"], ["tensorboard>=2.15"]

setup(
    name="fcnkit",
    version="0.1.0",
    description="Caffe networks to PyTorch and back, Fully Convolutional Networks first among them",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
    keywords=["caffe", "caffemodel", "prototxt", "pytorch", "semantic segmentation", "fcn"],
    python_requires=">=3.11",
    packages=[*find_packages(include=["fcnkit", "fcnkit.*"]), "fcnkit.templates", "fcnkit.proto"],
    # templates/ and proto/ stand at the top of the checkout and become package data when installed.
    package_dir={"fcnkit.templates": "templates", "fcnkit.proto": "proto"},
    package_data={
        "fcnkit": ["py.typed"],
        "fcnkit.caffe": ["*.pyi"],
        "fcnkit.export.targets": ["*.toml"],
        "fcnkit.templates": ["*.j2"],
        "fcnkit.proto": ["*.proto", "*.desc"],
    },
    install_requires=[
        "click>=8.2",
        "h5py>=3.10",
        "Jinja2>=3.1",
        "numpy>=1.26",
        "pillow>=10.1",
        "protobuf>=4.25,<8",
        "rich>=13",
        "safetensors>=0.8",
        "torch>=2.5",
    ],
    extras_require={
        "lmdb": LMDB,
        "plot": PLOT,
        "png": PNG,
        "tensorboard": TENSORBOARD,
        "mat": MAT,
        "onnx": ONNX,
        "opencv": OPENCV,
        "onnxruntime": ONNXRUNTIME,
        "test": [
            "grpcio-tools>=1.60",
            "hypothesis>=6.100",
            "pytest>=8",
            "pytest-xdist>=3.6",
            "ruff>=0.6",
            "setuptools>=70.1",
            *LMDB,
            *MAT,
            *ONNX,
            *ONNXRUNTIME,
            *OPENCV,
            *PLOT,
            *PNG,
            *TENSORBOARD,
        ],
        # The runtimes of benchmarks/forward.py.
        "bench": ["openvino>=2024.4", *ONNX, *ONNXRUNTIME, *OPENCV],
        "fuzz": ["atheris>=2.3"],
        "lint": ["mypy>=1.10", "ruff>=0.6", "types-protobuf>=4.25"],
    },
    entry_points={"console_scripts": ["fcnkit = fcnkit.__main__:run"]},
)
