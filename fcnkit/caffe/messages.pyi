"""Caffe's messages as types, forks' fields among them. Written by `make proto`; change proto/*.proto instead."""

from collections.abc import Iterable
from typing import Final, Literal

from google.protobuf.internal.containers import RepeatedCompositeFieldContainer, RepeatedScalarFieldContainer
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message

Phase: Final[EnumTypeWrapper]
TRAIN: Final = 0
TEST: Final = 1

Type: Final[EnumTypeWrapper]
DOUBLE: Final = 0
FLOAT: Final = 1
FLOAT16: Final = 2
INT: Final = 3
UINT: Final = 4
BOOL: Final = 5

Packing: Final[EnumTypeWrapper]
NCHW: Final = 0
NHWC: Final = 1

class BlobShape(Message):
    @property
    def dim(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(self, *, dim: Iterable[int] = ...) -> None: ...
    def ClearField(self, field_name: Literal["dim"]) -> None: ...

class BlobProto(Message):
    @property
    def shape(self) -> BlobShape: ...
    @property
    def data(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def diff(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def double_data(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def double_diff(self) -> RepeatedScalarFieldContainer[float]: ...
    num: int
    channels: int
    height: int
    width: int
    def __init__(
        self,
        *,
        shape: BlobShape = ...,
        data: Iterable[float] = ...,
        diff: Iterable[float] = ...,
        double_data: Iterable[float] = ...,
        double_diff: Iterable[float] = ...,
        num: int = ...,
        channels: int = ...,
        height: int = ...,
        width: int = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["shape", "num", "channels", "height", "width"]) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "shape", "data", "diff", "double_data", "double_diff", "num", "channels", "height", "width"
        ],
    ) -> None: ...

class BlobProtoVector(Message):
    @property
    def blobs(self) -> RepeatedCompositeFieldContainer[BlobProto]: ...
    def __init__(self, *, blobs: Iterable[BlobProto] = ...) -> None: ...
    def ClearField(self, field_name: Literal["blobs"]) -> None: ...

class Datum(Message):
    channels: int
    height: int
    width: int
    data: bytes
    label: int
    @property
    def float_data(self) -> RepeatedScalarFieldContainer[float]: ...
    encoded: bool
    def __init__(
        self,
        *,
        channels: int = ...,
        height: int = ...,
        width: int = ...,
        data: bytes = ...,
        label: int = ...,
        float_data: Iterable[float] = ...,
        encoded: bool = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["channels", "height", "width", "data", "label", "encoded"]) -> bool: ...
    def ClearField(
        self, field_name: Literal["channels", "height", "width", "data", "label", "float_data", "encoded"]
    ) -> None: ...

class FillerParameter(Message):
    VarianceNorm: Final[EnumTypeWrapper]
    FAN_IN: Final = 0
    FAN_OUT: Final = 1
    AVERAGE: Final = 2
    type: str
    value: float
    min: float
    max: float
    mean: float
    std: float
    sparse: int
    variance_norm: int
    expectation_option: str
    width: int
    height: int
    @property
    def diag_val(self) -> RepeatedScalarFieldContainer[float]: ...
    border_ratio: float
    def __init__(
        self,
        *,
        type: str = ...,
        value: float = ...,
        min: float = ...,
        max: float = ...,
        mean: float = ...,
        std: float = ...,
        sparse: int = ...,
        variance_norm: int | str = ...,
        expectation_option: str = ...,
        width: int = ...,
        height: int = ...,
        diag_val: Iterable[float] = ...,
        border_ratio: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "type",
            "value",
            "min",
            "max",
            "mean",
            "std",
            "sparse",
            "variance_norm",
            "expectation_option",
            "width",
            "height",
            "border_ratio",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "type",
            "value",
            "min",
            "max",
            "mean",
            "std",
            "sparse",
            "variance_norm",
            "expectation_option",
            "width",
            "height",
            "diag_val",
            "border_ratio",
        ],
    ) -> None: ...

class NetParameter(Message):
    name: str
    @property
    def input(self) -> RepeatedScalarFieldContainer[str]: ...
    @property
    def input_shape(self) -> RepeatedCompositeFieldContainer[BlobShape]: ...
    @property
    def input_dim(self) -> RepeatedScalarFieldContainer[int]: ...
    force_backward: bool
    @property
    def state(self) -> NetState: ...
    debug_info: bool
    @property
    def layer(self) -> RepeatedCompositeFieldContainer[LayerParameter]: ...
    @property
    def layers(self) -> RepeatedCompositeFieldContainer[V1LayerParameter]: ...
    default_forward_type: int
    default_backward_type: int
    default_forward_math: int
    default_backward_math: int
    global_grad_scale: float
    global_grad_scale_adaptive: bool
    default_conv_algos_override: str
    reduce_buckets: int
    default_cudnn_math_override: int
    eltwise_mem_sharing: bool
    fcnkit_numbers: bool
    def __init__(
        self,
        *,
        name: str = ...,
        input: Iterable[str] = ...,
        input_shape: Iterable[BlobShape] = ...,
        input_dim: Iterable[int] = ...,
        force_backward: bool = ...,
        state: NetState = ...,
        debug_info: bool = ...,
        layer: Iterable[LayerParameter] = ...,
        layers: Iterable[V1LayerParameter] = ...,
        default_forward_type: int | str = ...,
        default_backward_type: int | str = ...,
        default_forward_math: int | str = ...,
        default_backward_math: int | str = ...,
        global_grad_scale: float = ...,
        global_grad_scale_adaptive: bool = ...,
        default_conv_algos_override: str = ...,
        reduce_buckets: int = ...,
        default_cudnn_math_override: int = ...,
        eltwise_mem_sharing: bool = ...,
        fcnkit_numbers: bool = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "name",
            "force_backward",
            "state",
            "debug_info",
            "default_forward_type",
            "default_backward_type",
            "default_forward_math",
            "default_backward_math",
            "global_grad_scale",
            "global_grad_scale_adaptive",
            "default_conv_algos_override",
            "reduce_buckets",
            "default_cudnn_math_override",
            "eltwise_mem_sharing",
            "fcnkit_numbers",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "name",
            "input",
            "input_shape",
            "input_dim",
            "force_backward",
            "state",
            "debug_info",
            "layer",
            "layers",
            "default_forward_type",
            "default_backward_type",
            "default_forward_math",
            "default_backward_math",
            "global_grad_scale",
            "global_grad_scale_adaptive",
            "default_conv_algos_override",
            "reduce_buckets",
            "default_cudnn_math_override",
            "eltwise_mem_sharing",
            "fcnkit_numbers",
        ],
    ) -> None: ...

class SolverParameter(Message):
    SnapshotFormat: Final[EnumTypeWrapper]
    HDF5: Final = 0
    BINARYPROTO: Final = 1
    SolverMode: Final[EnumTypeWrapper]
    CPU: Final = 0
    GPU: Final = 1
    SolverType: Final[EnumTypeWrapper]
    SGD: Final = 0
    NESTEROV: Final = 1
    ADAGRAD: Final = 2
    RMSPROP: Final = 3
    ADADELTA: Final = 4
    ADAM: Final = 5
    net: str
    @property
    def net_param(self) -> NetParameter: ...
    train_net: str
    @property
    def test_net(self) -> RepeatedScalarFieldContainer[str]: ...
    @property
    def train_net_param(self) -> NetParameter: ...
    @property
    def test_net_param(self) -> RepeatedCompositeFieldContainer[NetParameter]: ...
    @property
    def train_state(self) -> NetState: ...
    @property
    def test_state(self) -> RepeatedCompositeFieldContainer[NetState]: ...
    @property
    def test_iter(self) -> RepeatedScalarFieldContainer[int]: ...
    test_interval: int
    test_compute_loss: bool
    test_initialization: bool
    base_lr: float
    display: int
    average_loss: int
    max_iter: int
    iter_size: int
    lr_policy: str
    gamma: float
    power: float
    momentum: float
    weight_decay: float
    regularization_type: str
    stepsize: int
    @property
    def stepvalue(self) -> RepeatedScalarFieldContainer[int]: ...
    clip_gradients: float
    snapshot: int
    snapshot_prefix: str
    snapshot_diff: bool
    snapshot_format: int
    solver_mode: int
    device_id: int
    random_seed: int
    type: str
    delta: float
    momentum2: float
    rms_decay: float
    debug_info: bool
    snapshot_after_train: bool
    solver_type: int
    layer_wise_reduce: bool
    @property
    def weights(self) -> RepeatedScalarFieldContainer[str]: ...
    eval_type: str
    ap_version: str
    show_per_class_result: bool
    @property
    def plateau_winsize(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(
        self,
        *,
        net: str = ...,
        net_param: NetParameter = ...,
        train_net: str = ...,
        test_net: Iterable[str] = ...,
        train_net_param: NetParameter = ...,
        test_net_param: Iterable[NetParameter] = ...,
        train_state: NetState = ...,
        test_state: Iterable[NetState] = ...,
        test_iter: Iterable[int] = ...,
        test_interval: int = ...,
        test_compute_loss: bool = ...,
        test_initialization: bool = ...,
        base_lr: float = ...,
        display: int = ...,
        average_loss: int = ...,
        max_iter: int = ...,
        iter_size: int = ...,
        lr_policy: str = ...,
        gamma: float = ...,
        power: float = ...,
        momentum: float = ...,
        weight_decay: float = ...,
        regularization_type: str = ...,
        stepsize: int = ...,
        stepvalue: Iterable[int] = ...,
        clip_gradients: float = ...,
        snapshot: int = ...,
        snapshot_prefix: str = ...,
        snapshot_diff: bool = ...,
        snapshot_format: int | str = ...,
        solver_mode: int | str = ...,
        device_id: int = ...,
        random_seed: int = ...,
        type: str = ...,
        delta: float = ...,
        momentum2: float = ...,
        rms_decay: float = ...,
        debug_info: bool = ...,
        snapshot_after_train: bool = ...,
        solver_type: int | str = ...,
        layer_wise_reduce: bool = ...,
        weights: Iterable[str] = ...,
        eval_type: str = ...,
        ap_version: str = ...,
        show_per_class_result: bool = ...,
        plateau_winsize: Iterable[int] = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "net",
            "net_param",
            "train_net",
            "train_net_param",
            "train_state",
            "test_interval",
            "test_compute_loss",
            "test_initialization",
            "base_lr",
            "display",
            "average_loss",
            "max_iter",
            "iter_size",
            "lr_policy",
            "gamma",
            "power",
            "momentum",
            "weight_decay",
            "regularization_type",
            "stepsize",
            "clip_gradients",
            "snapshot",
            "snapshot_prefix",
            "snapshot_diff",
            "snapshot_format",
            "solver_mode",
            "device_id",
            "random_seed",
            "type",
            "delta",
            "momentum2",
            "rms_decay",
            "debug_info",
            "snapshot_after_train",
            "solver_type",
            "layer_wise_reduce",
            "eval_type",
            "ap_version",
            "show_per_class_result",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "net",
            "net_param",
            "train_net",
            "test_net",
            "train_net_param",
            "test_net_param",
            "train_state",
            "test_state",
            "test_iter",
            "test_interval",
            "test_compute_loss",
            "test_initialization",
            "base_lr",
            "display",
            "average_loss",
            "max_iter",
            "iter_size",
            "lr_policy",
            "gamma",
            "power",
            "momentum",
            "weight_decay",
            "regularization_type",
            "stepsize",
            "stepvalue",
            "clip_gradients",
            "snapshot",
            "snapshot_prefix",
            "snapshot_diff",
            "snapshot_format",
            "solver_mode",
            "device_id",
            "random_seed",
            "type",
            "delta",
            "momentum2",
            "rms_decay",
            "debug_info",
            "snapshot_after_train",
            "solver_type",
            "layer_wise_reduce",
            "weights",
            "eval_type",
            "ap_version",
            "show_per_class_result",
            "plateau_winsize",
        ],
    ) -> None: ...

class SolverState(Message):
    iter: int
    learned_net: str
    @property
    def history(self) -> RepeatedCompositeFieldContainer[BlobProto]: ...
    current_step: int
    def __init__(
        self, *, iter: int = ..., learned_net: str = ..., history: Iterable[BlobProto] = ..., current_step: int = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["iter", "learned_net", "current_step"]) -> bool: ...
    def ClearField(self, field_name: Literal["iter", "learned_net", "history", "current_step"]) -> None: ...

class NetState(Message):
    phase: int
    level: int
    @property
    def stage(self) -> RepeatedScalarFieldContainer[str]: ...
    def __init__(self, *, phase: int | str = ..., level: int = ..., stage: Iterable[str] = ...) -> None: ...
    def HasField(self, field_name: Literal["phase", "level"]) -> bool: ...
    def ClearField(self, field_name: Literal["phase", "level", "stage"]) -> None: ...

class NetStateRule(Message):
    phase: int
    min_level: int
    max_level: int
    @property
    def stage(self) -> RepeatedScalarFieldContainer[str]: ...
    @property
    def not_stage(self) -> RepeatedScalarFieldContainer[str]: ...
    def __init__(
        self,
        *,
        phase: int | str = ...,
        min_level: int = ...,
        max_level: int = ...,
        stage: Iterable[str] = ...,
        not_stage: Iterable[str] = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["phase", "min_level", "max_level"]) -> bool: ...
    def ClearField(self, field_name: Literal["phase", "min_level", "max_level", "stage", "not_stage"]) -> None: ...

class ParamSpec(Message):
    DimCheckMode: Final[EnumTypeWrapper]
    STRICT: Final = 0
    PERMISSIVE: Final = 1
    name: str
    share_mode: int
    lr_mult: float
    decay_mult: float
    def __init__(
        self, *, name: str = ..., share_mode: int | str = ..., lr_mult: float = ..., decay_mult: float = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["name", "share_mode", "lr_mult", "decay_mult"]) -> bool: ...
    def ClearField(self, field_name: Literal["name", "share_mode", "lr_mult", "decay_mult"]) -> None: ...

class LayerParameter(Message):
    name: str
    type: str
    @property
    def bottom(self) -> RepeatedScalarFieldContainer[str]: ...
    @property
    def top(self) -> RepeatedScalarFieldContainer[str]: ...
    phase: int
    @property
    def loss_weight(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def param(self) -> RepeatedCompositeFieldContainer[ParamSpec]: ...
    @property
    def blobs(self) -> RepeatedCompositeFieldContainer[BlobProto]: ...
    @property
    def propagate_down(self) -> RepeatedScalarFieldContainer[bool]: ...
    @property
    def include(self) -> RepeatedCompositeFieldContainer[NetStateRule]: ...
    @property
    def exclude(self) -> RepeatedCompositeFieldContainer[NetStateRule]: ...
    @property
    def transform_param(self) -> TransformationParameter: ...
    @property
    def loss_param(self) -> LossParameter: ...
    @property
    def accuracy_param(self) -> AccuracyParameter: ...
    @property
    def argmax_param(self) -> ArgMaxParameter: ...
    @property
    def batch_norm_param(self) -> BatchNormParameter: ...
    @property
    def bias_param(self) -> BiasParameter: ...
    @property
    def clip_param(self) -> ClipParameter: ...
    @property
    def concat_param(self) -> ConcatParameter: ...
    @property
    def contrastive_loss_param(self) -> ContrastiveLossParameter: ...
    @property
    def convolution_param(self) -> ConvolutionParameter: ...
    @property
    def crop_param(self) -> CropParameter: ...
    @property
    def data_param(self) -> DataParameter: ...
    @property
    def dropout_param(self) -> DropoutParameter: ...
    @property
    def dummy_data_param(self) -> DummyDataParameter: ...
    @property
    def eltwise_param(self) -> EltwiseParameter: ...
    @property
    def elu_param(self) -> ELUParameter: ...
    @property
    def embed_param(self) -> EmbedParameter: ...
    @property
    def exp_param(self) -> ExpParameter: ...
    @property
    def flatten_param(self) -> FlattenParameter: ...
    @property
    def hdf5_data_param(self) -> HDF5DataParameter: ...
    @property
    def hdf5_output_param(self) -> HDF5OutputParameter: ...
    @property
    def hinge_loss_param(self) -> HingeLossParameter: ...
    @property
    def image_data_param(self) -> ImageDataParameter: ...
    @property
    def infogain_loss_param(self) -> InfogainLossParameter: ...
    @property
    def inner_product_param(self) -> InnerProductParameter: ...
    @property
    def input_param(self) -> InputParameter: ...
    @property
    def log_param(self) -> LogParameter: ...
    @property
    def lrn_param(self) -> LRNParameter: ...
    @property
    def memory_data_param(self) -> MemoryDataParameter: ...
    @property
    def mvn_param(self) -> MVNParameter: ...
    @property
    def parameter_param(self) -> ParameterParameter: ...
    @property
    def pooling_param(self) -> PoolingParameter: ...
    @property
    def power_param(self) -> PowerParameter: ...
    @property
    def prelu_param(self) -> PReLUParameter: ...
    @property
    def python_param(self) -> PythonParameter: ...
    @property
    def recurrent_param(self) -> RecurrentParameter: ...
    @property
    def reduction_param(self) -> ReductionParameter: ...
    @property
    def relu_param(self) -> ReLUParameter: ...
    @property
    def reshape_param(self) -> ReshapeParameter: ...
    @property
    def scale_param(self) -> ScaleParameter: ...
    @property
    def sigmoid_param(self) -> SigmoidParameter: ...
    @property
    def softmax_param(self) -> SoftmaxParameter: ...
    @property
    def spp_param(self) -> SPPParameter: ...
    @property
    def slice_param(self) -> SliceParameter: ...
    @property
    def swish_param(self) -> SwishParameter: ...
    @property
    def tanh_param(self) -> TanHParameter: ...
    @property
    def threshold_param(self) -> ThresholdParameter: ...
    @property
    def tile_param(self) -> TileParameter: ...
    @property
    def window_data_param(self) -> WindowDataParameter: ...
    @property
    def annotated_data_param(self) -> AnnotatedDataParameter: ...
    @property
    def detection_evaluate_param(self) -> DetectionEvaluateParameter: ...
    @property
    def detection_output_param(self) -> DetectionOutputParameter: ...
    @property
    def multibox_loss_param(self) -> MultiBoxLossParameter: ...
    @property
    def norm_param(self) -> NormalizeParameter: ...
    @property
    def permute_param(self) -> PermuteParameter: ...
    @property
    def prior_box_param(self) -> PriorBoxParameter: ...
    @property
    def bn_param(self) -> BNParameter: ...
    @property
    def dense_image_data_param(self) -> DenseImageDataParameter: ...
    @property
    def upsample_param(self) -> UpsampleParameter: ...
    @property
    def dense_crf_param(self) -> DenseCRFParameter: ...
    @property
    def interp_param(self) -> InterpParameter: ...
    @property
    def mat_read_param(self) -> MatReadParameter: ...
    @property
    def mat_write_param(self) -> MatWriteParameter: ...
    @property
    def seg_accuracy_param(self) -> SegAccuracyParameter: ...
    @property
    def multi_stage_meanfield_param(self) -> MultiStageMeanfieldParameter: ...
    @property
    def roi_pooling_param(self) -> ROIPoolingParameter: ...
    @property
    def smooth_l1_loss_param(self) -> SmoothL1LossParameter: ...
    @property
    def proposal_param(self) -> ProposalParameter: ...
    @property
    def psroi_pooling_param(self) -> PSROIPoolingParameter: ...
    @property
    def roi_align_param(self) -> ROIAlignParameter: ...
    @property
    def box_output_param(self) -> BoxOutputParameter: ...
    @property
    def box_group_output_param(self) -> BoxGroupOutputParameter: ...
    @property
    def bbox_reg_param(self) -> BBoxRegParameter: ...
    @property
    def decode_bbox_param(self) -> DecodeBBoxParameter: ...
    @property
    def frcnn_output_param(self) -> FrcnnOutputParameter: ...
    @property
    def scale_route_param(self) -> ScaleRouteParameter: ...
    @property
    def reorg_param(self) -> ReorgParameter: ...
    @property
    def yolo_detection_output_param(self) -> YoloDetectionOutputParameter: ...
    @property
    def yolov3_detection_output_param(self) -> Yolov3DetectionOutputParameter: ...
    @property
    def yolov3_param(self) -> Yolov3Parameter: ...
    @property
    def upsample_darknet_param(self) -> UpsampleDarknetParameter: ...
    @property
    def frcnn_param(self) -> FrcnnParameter: ...
    @property
    def psroi_align_param(self) -> PSROIAlignParameter: ...
    @property
    def rpn_param(self) -> RPNParameter: ...
    @property
    def roi_gen_param(self) -> RoiGenParameter: ...
    @property
    def roi_alignment_param(self) -> ROIAlignmentParameter: ...
    @property
    def quantization_param(self) -> QuantizationParameter: ...
    @property
    def expmax_param(self) -> ExpMaxParameter: ...
    @property
    def rand_comp_param(self) -> RandCompParameter: ...
    @property
    def periodic_shuffle_param(self) -> PeriodicShuffleParameter: ...
    @property
    def sparsify_param(self) -> SparsifyParameter: ...
    @property
    def gradient_scaler_param(self) -> GradientScalerParameter: ...
    @property
    def mil_param(self) -> MILParameter: ...
    @property
    def pooling_nd_param(self) -> PoolingNDParameter: ...
    @property
    def correlation_param(self) -> CorrelationParameter: ...
    @property
    def flow_warp_param(self) -> FlowWarpParameter: ...
    @property
    def resample_param(self) -> ResampleParameter: ...
    @property
    def downsample_param(self) -> DownsampleParameter: ...
    @property
    def accum_param(self) -> AccumParameter: ...
    @property
    def mean_param(self) -> MeanParameter: ...
    @property
    def augmentation_param(self) -> AugmentationParameter: ...
    reshape_every_iter: bool
    @property
    def coeff_schedule_param(self) -> CoeffScheduleParameter: ...
    @property
    def l1_loss_param(self) -> L1LossParameter: ...
    @property
    def lpq_loss_param(self) -> LpqLossParameter: ...
    @property
    def convolution3d_param(self) -> Convolution3DParameter: ...
    @property
    def pooling3d_param(self) -> Pooling3DParameter: ...
    @property
    def video_data_param(self) -> VideoDataParameter: ...
    @property
    def squeeze_param(self) -> SqueezeParameter: ...
    @property
    def expand_dims_nd_param(self) -> ExpandDimsNDParameter: ...
    @property
    def pad_param(self) -> PadParameter: ...
    @property
    def depth_to_space_param(self) -> BlockSizeParameter: ...
    @property
    def space_to_depth_param(self) -> BlockSizeParameter: ...
    @property
    def space_to_batch_nd_param(self) -> SpaceToBatchNDParameter: ...
    @property
    def batch_to_space_nd_param(self) -> BatchToSpaceNDParameter: ...
    @property
    def resize_bilinear_param(self) -> ResizingParameter: ...
    @property
    def resize_nearest_neighbor_param(self) -> ResizingParameter: ...
    @property
    def hard_sigmoid_param(self) -> HardSigmoidParameter: ...
    @property
    def mul_param(self) -> MulParameter: ...
    @property
    def matmul_param(self) -> MatMulParameter: ...
    @property
    def layer_norm_param(self) -> LayerNormParameter: ...
    @property
    def transpose_param(self) -> BlobShape: ...
    @property
    def reverse_param(self) -> ReverseParameter: ...
    @property
    def padding_param(self) -> PaddingParameter: ...
    @property
    def flip_param(self) -> FlipParameter: ...
    @property
    def unpooling_param(self) -> UnpoolingParameter: ...
    @property
    def grn_param(self) -> GRNParameter: ...
    @property
    def lstm_param(self) -> LSTMParameter: ...
    @property
    def ctc_decoder_param(self) -> CTCDecoderParameter: ...
    @property
    def mergecrop_param(self) -> MergeCropParameter: ...
    @property
    def normalize_param(self) -> VectorNormalizeParameter: ...
    @property
    def inner_distance_param(self) -> InnerDistanceParameter: ...
    @property
    def label_specific_add_param(self) -> LabelSpecificAddParameter: ...
    @property
    def spatial_softmax_param(self) -> SpatialSoftmaxParameter: ...
    @property
    def mask_outputs_param(self) -> MaskOutputsParameter: ...
    @property
    def scale_tanh_param(self) -> ScaleTanHParameter: ...
    @property
    def continuation_indicator_param(self) -> ContinuationIndicatorParameter: ...
    @property
    def rrelu_param(self) -> RReLUParameter: ...
    @property
    def compact_bilinear_param(self) -> CompactBilinearParameter: ...
    @property
    def denseblock_param(self) -> DenseBlockParameter: ...
    @property
    def resize_param(self) -> ResizeLayerParameter: ...
    @property
    def gaterecurrent_param(self) -> GateRecurrentParameter: ...
    @property
    def crelu_param(self) -> CReLUParameter: ...
    @property
    def apl_param(self) -> APLParameter: ...
    @property
    def eltwise_affine_param(self) -> EltwiseAffineParameter: ...
    @property
    def guided_dropout_param(self) -> GuidedDropoutParameter: ...
    @property
    def region_param(self) -> RegionParameter: ...
    @property
    def region_yolo_param(self) -> RegionParameter: ...
    @property
    def reorg_yolo_param(self) -> ReorgYoloParameter: ...
    @property
    def pass_through_param(self) -> PassThroughParameter: ...
    @property
    def permutohedral_param(self) -> PermutohedralParameter: ...
    @property
    def pixel_feature_param(self) -> PixelFeatureParameter: ...
    @property
    def region_pooling_param(self) -> RegionPoolingParameter: ...
    @property
    def roi_mask_pooling_param(self) -> ROIMaskPoolingParameter: ...
    @property
    def orn_param(self) -> ORNParameter: ...
    @property
    def tiling_param(self) -> TilingParameter: ...
    @property
    def local_param(self) -> LocalParameter: ...
    @property
    def bnhk_param(self) -> BNHKParameter: ...
    @property
    def batch_pool_param(self) -> BatchPoolParameter: ...
    @property
    def normalization_param(self) -> NormalizationParameter: ...
    @property
    def center_projection_param(self) -> CenterProjectionParameter: ...
    @property
    def insanity_param(self) -> InsanityParameter: ...
    @property
    def imresize_param(self) -> ImResizeParameter: ...
    @property
    def nms_param(self) -> NmsParameter: ...
    @property
    def st_param(self) -> SpatialTransformerParameter: ...
    @property
    def rotate_pooling_param(self) -> RotateROIPoolingParameter: ...
    @property
    def scalar_param(self) -> ScalarParameter: ...
    @property
    def deformable_convolution_param(self) -> ConvolutionParameter: ...
    @property
    def lstm_conv_param(self) -> RepeatedCompositeFieldContainer[LSTMConvolutionParameter]: ...
    @property
    def lstm_debug_param(self) -> LSTMDebugParameter: ...
    @property
    def brelu_param(self) -> BReLUParameter: ...
    @property
    def output_decay_param(self) -> OutputDecayParameter: ...
    @property
    def beam_search_param(self) -> BeamSearchParameter: ...
    @property
    def srnnformat_param(self) -> SRNNFormatParameter: ...
    @property
    def spatialtransformer_param(self) -> RightAnglesParameter: ...
    @property
    def rearrange_param(self) -> RearrangeParameter: ...
    @property
    def group_norm_param(self) -> GroupNormParameter: ...
    @property
    def roi_warping_param(self) -> ROIWarpingParameter: ...
    @property
    def mask_resize_param(self) -> MaskResizeParameter: ...
    @property
    def shuffle_channel_param(self) -> ShuffleChannelParameter: ...
    forward_type: int
    backward_type: int
    forward_math: int
    backward_math: int
    debug: bool
    cudnn_math_override: int
    def __init__(
        self,
        *,
        name: str = ...,
        type: str = ...,
        bottom: Iterable[str] = ...,
        top: Iterable[str] = ...,
        phase: int | str = ...,
        loss_weight: Iterable[float] = ...,
        param: Iterable[ParamSpec] = ...,
        blobs: Iterable[BlobProto] = ...,
        propagate_down: Iterable[bool] = ...,
        include: Iterable[NetStateRule] = ...,
        exclude: Iterable[NetStateRule] = ...,
        transform_param: TransformationParameter = ...,
        loss_param: LossParameter = ...,
        accuracy_param: AccuracyParameter = ...,
        argmax_param: ArgMaxParameter = ...,
        batch_norm_param: BatchNormParameter = ...,
        bias_param: BiasParameter = ...,
        clip_param: ClipParameter = ...,
        concat_param: ConcatParameter = ...,
        contrastive_loss_param: ContrastiveLossParameter = ...,
        convolution_param: ConvolutionParameter = ...,
        crop_param: CropParameter = ...,
        data_param: DataParameter = ...,
        dropout_param: DropoutParameter = ...,
        dummy_data_param: DummyDataParameter = ...,
        eltwise_param: EltwiseParameter = ...,
        elu_param: ELUParameter = ...,
        embed_param: EmbedParameter = ...,
        exp_param: ExpParameter = ...,
        flatten_param: FlattenParameter = ...,
        hdf5_data_param: HDF5DataParameter = ...,
        hdf5_output_param: HDF5OutputParameter = ...,
        hinge_loss_param: HingeLossParameter = ...,
        image_data_param: ImageDataParameter = ...,
        infogain_loss_param: InfogainLossParameter = ...,
        inner_product_param: InnerProductParameter = ...,
        input_param: InputParameter = ...,
        log_param: LogParameter = ...,
        lrn_param: LRNParameter = ...,
        memory_data_param: MemoryDataParameter = ...,
        mvn_param: MVNParameter = ...,
        parameter_param: ParameterParameter = ...,
        pooling_param: PoolingParameter = ...,
        power_param: PowerParameter = ...,
        prelu_param: PReLUParameter = ...,
        python_param: PythonParameter = ...,
        recurrent_param: RecurrentParameter = ...,
        reduction_param: ReductionParameter = ...,
        relu_param: ReLUParameter = ...,
        reshape_param: ReshapeParameter = ...,
        scale_param: ScaleParameter = ...,
        sigmoid_param: SigmoidParameter = ...,
        softmax_param: SoftmaxParameter = ...,
        spp_param: SPPParameter = ...,
        slice_param: SliceParameter = ...,
        swish_param: SwishParameter = ...,
        tanh_param: TanHParameter = ...,
        threshold_param: ThresholdParameter = ...,
        tile_param: TileParameter = ...,
        window_data_param: WindowDataParameter = ...,
        annotated_data_param: AnnotatedDataParameter = ...,
        detection_evaluate_param: DetectionEvaluateParameter = ...,
        detection_output_param: DetectionOutputParameter = ...,
        multibox_loss_param: MultiBoxLossParameter = ...,
        norm_param: NormalizeParameter = ...,
        permute_param: PermuteParameter = ...,
        prior_box_param: PriorBoxParameter = ...,
        bn_param: BNParameter = ...,
        dense_image_data_param: DenseImageDataParameter = ...,
        upsample_param: UpsampleParameter = ...,
        dense_crf_param: DenseCRFParameter = ...,
        interp_param: InterpParameter = ...,
        mat_read_param: MatReadParameter = ...,
        mat_write_param: MatWriteParameter = ...,
        seg_accuracy_param: SegAccuracyParameter = ...,
        multi_stage_meanfield_param: MultiStageMeanfieldParameter = ...,
        roi_pooling_param: ROIPoolingParameter = ...,
        smooth_l1_loss_param: SmoothL1LossParameter = ...,
        proposal_param: ProposalParameter = ...,
        psroi_pooling_param: PSROIPoolingParameter = ...,
        roi_align_param: ROIAlignParameter = ...,
        box_output_param: BoxOutputParameter = ...,
        box_group_output_param: BoxGroupOutputParameter = ...,
        bbox_reg_param: BBoxRegParameter = ...,
        decode_bbox_param: DecodeBBoxParameter = ...,
        frcnn_output_param: FrcnnOutputParameter = ...,
        scale_route_param: ScaleRouteParameter = ...,
        reorg_param: ReorgParameter = ...,
        yolo_detection_output_param: YoloDetectionOutputParameter = ...,
        yolov3_detection_output_param: Yolov3DetectionOutputParameter = ...,
        yolov3_param: Yolov3Parameter = ...,
        upsample_darknet_param: UpsampleDarknetParameter = ...,
        frcnn_param: FrcnnParameter = ...,
        psroi_align_param: PSROIAlignParameter = ...,
        rpn_param: RPNParameter = ...,
        roi_gen_param: RoiGenParameter = ...,
        roi_alignment_param: ROIAlignmentParameter = ...,
        quantization_param: QuantizationParameter = ...,
        expmax_param: ExpMaxParameter = ...,
        rand_comp_param: RandCompParameter = ...,
        periodic_shuffle_param: PeriodicShuffleParameter = ...,
        sparsify_param: SparsifyParameter = ...,
        gradient_scaler_param: GradientScalerParameter = ...,
        mil_param: MILParameter = ...,
        pooling_nd_param: PoolingNDParameter = ...,
        correlation_param: CorrelationParameter = ...,
        flow_warp_param: FlowWarpParameter = ...,
        resample_param: ResampleParameter = ...,
        downsample_param: DownsampleParameter = ...,
        accum_param: AccumParameter = ...,
        mean_param: MeanParameter = ...,
        augmentation_param: AugmentationParameter = ...,
        reshape_every_iter: bool = ...,
        coeff_schedule_param: CoeffScheduleParameter = ...,
        l1_loss_param: L1LossParameter = ...,
        lpq_loss_param: LpqLossParameter = ...,
        convolution3d_param: Convolution3DParameter = ...,
        pooling3d_param: Pooling3DParameter = ...,
        video_data_param: VideoDataParameter = ...,
        squeeze_param: SqueezeParameter = ...,
        expand_dims_nd_param: ExpandDimsNDParameter = ...,
        pad_param: PadParameter = ...,
        depth_to_space_param: BlockSizeParameter = ...,
        space_to_depth_param: BlockSizeParameter = ...,
        space_to_batch_nd_param: SpaceToBatchNDParameter = ...,
        batch_to_space_nd_param: BatchToSpaceNDParameter = ...,
        resize_bilinear_param: ResizingParameter = ...,
        resize_nearest_neighbor_param: ResizingParameter = ...,
        hard_sigmoid_param: HardSigmoidParameter = ...,
        mul_param: MulParameter = ...,
        matmul_param: MatMulParameter = ...,
        layer_norm_param: LayerNormParameter = ...,
        transpose_param: BlobShape = ...,
        reverse_param: ReverseParameter = ...,
        padding_param: PaddingParameter = ...,
        flip_param: FlipParameter = ...,
        unpooling_param: UnpoolingParameter = ...,
        grn_param: GRNParameter = ...,
        lstm_param: LSTMParameter = ...,
        ctc_decoder_param: CTCDecoderParameter = ...,
        mergecrop_param: MergeCropParameter = ...,
        normalize_param: VectorNormalizeParameter = ...,
        inner_distance_param: InnerDistanceParameter = ...,
        label_specific_add_param: LabelSpecificAddParameter = ...,
        spatial_softmax_param: SpatialSoftmaxParameter = ...,
        mask_outputs_param: MaskOutputsParameter = ...,
        scale_tanh_param: ScaleTanHParameter = ...,
        continuation_indicator_param: ContinuationIndicatorParameter = ...,
        rrelu_param: RReLUParameter = ...,
        compact_bilinear_param: CompactBilinearParameter = ...,
        denseblock_param: DenseBlockParameter = ...,
        resize_param: ResizeLayerParameter = ...,
        gaterecurrent_param: GateRecurrentParameter = ...,
        crelu_param: CReLUParameter = ...,
        apl_param: APLParameter = ...,
        eltwise_affine_param: EltwiseAffineParameter = ...,
        guided_dropout_param: GuidedDropoutParameter = ...,
        region_param: RegionParameter = ...,
        region_yolo_param: RegionParameter = ...,
        reorg_yolo_param: ReorgYoloParameter = ...,
        pass_through_param: PassThroughParameter = ...,
        permutohedral_param: PermutohedralParameter = ...,
        pixel_feature_param: PixelFeatureParameter = ...,
        region_pooling_param: RegionPoolingParameter = ...,
        roi_mask_pooling_param: ROIMaskPoolingParameter = ...,
        orn_param: ORNParameter = ...,
        tiling_param: TilingParameter = ...,
        local_param: LocalParameter = ...,
        bnhk_param: BNHKParameter = ...,
        batch_pool_param: BatchPoolParameter = ...,
        normalization_param: NormalizationParameter = ...,
        center_projection_param: CenterProjectionParameter = ...,
        insanity_param: InsanityParameter = ...,
        imresize_param: ImResizeParameter = ...,
        nms_param: NmsParameter = ...,
        st_param: SpatialTransformerParameter = ...,
        rotate_pooling_param: RotateROIPoolingParameter = ...,
        scalar_param: ScalarParameter = ...,
        deformable_convolution_param: ConvolutionParameter = ...,
        lstm_conv_param: Iterable[LSTMConvolutionParameter] = ...,
        lstm_debug_param: LSTMDebugParameter = ...,
        brelu_param: BReLUParameter = ...,
        output_decay_param: OutputDecayParameter = ...,
        beam_search_param: BeamSearchParameter = ...,
        srnnformat_param: SRNNFormatParameter = ...,
        spatialtransformer_param: RightAnglesParameter = ...,
        rearrange_param: RearrangeParameter = ...,
        group_norm_param: GroupNormParameter = ...,
        roi_warping_param: ROIWarpingParameter = ...,
        mask_resize_param: MaskResizeParameter = ...,
        shuffle_channel_param: ShuffleChannelParameter = ...,
        forward_type: int | str = ...,
        backward_type: int | str = ...,
        forward_math: int | str = ...,
        backward_math: int | str = ...,
        debug: bool = ...,
        cudnn_math_override: int = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "name",
            "type",
            "phase",
            "transform_param",
            "loss_param",
            "accuracy_param",
            "argmax_param",
            "batch_norm_param",
            "bias_param",
            "clip_param",
            "concat_param",
            "contrastive_loss_param",
            "convolution_param",
            "crop_param",
            "data_param",
            "dropout_param",
            "dummy_data_param",
            "eltwise_param",
            "elu_param",
            "embed_param",
            "exp_param",
            "flatten_param",
            "hdf5_data_param",
            "hdf5_output_param",
            "hinge_loss_param",
            "image_data_param",
            "infogain_loss_param",
            "inner_product_param",
            "input_param",
            "log_param",
            "lrn_param",
            "memory_data_param",
            "mvn_param",
            "parameter_param",
            "pooling_param",
            "power_param",
            "prelu_param",
            "python_param",
            "recurrent_param",
            "reduction_param",
            "relu_param",
            "reshape_param",
            "scale_param",
            "sigmoid_param",
            "softmax_param",
            "spp_param",
            "slice_param",
            "swish_param",
            "tanh_param",
            "threshold_param",
            "tile_param",
            "window_data_param",
            "annotated_data_param",
            "detection_evaluate_param",
            "detection_output_param",
            "multibox_loss_param",
            "norm_param",
            "permute_param",
            "prior_box_param",
            "bn_param",
            "dense_image_data_param",
            "upsample_param",
            "dense_crf_param",
            "interp_param",
            "mat_read_param",
            "mat_write_param",
            "seg_accuracy_param",
            "multi_stage_meanfield_param",
            "roi_pooling_param",
            "smooth_l1_loss_param",
            "proposal_param",
            "psroi_pooling_param",
            "roi_align_param",
            "box_output_param",
            "box_group_output_param",
            "bbox_reg_param",
            "decode_bbox_param",
            "frcnn_output_param",
            "scale_route_param",
            "reorg_param",
            "yolo_detection_output_param",
            "yolov3_detection_output_param",
            "yolov3_param",
            "upsample_darknet_param",
            "frcnn_param",
            "psroi_align_param",
            "rpn_param",
            "roi_gen_param",
            "roi_alignment_param",
            "quantization_param",
            "expmax_param",
            "rand_comp_param",
            "periodic_shuffle_param",
            "sparsify_param",
            "gradient_scaler_param",
            "mil_param",
            "pooling_nd_param",
            "correlation_param",
            "flow_warp_param",
            "resample_param",
            "downsample_param",
            "accum_param",
            "mean_param",
            "augmentation_param",
            "reshape_every_iter",
            "coeff_schedule_param",
            "l1_loss_param",
            "lpq_loss_param",
            "convolution3d_param",
            "pooling3d_param",
            "video_data_param",
            "squeeze_param",
            "expand_dims_nd_param",
            "pad_param",
            "depth_to_space_param",
            "space_to_depth_param",
            "space_to_batch_nd_param",
            "batch_to_space_nd_param",
            "resize_bilinear_param",
            "resize_nearest_neighbor_param",
            "hard_sigmoid_param",
            "mul_param",
            "matmul_param",
            "layer_norm_param",
            "transpose_param",
            "reverse_param",
            "padding_param",
            "flip_param",
            "unpooling_param",
            "grn_param",
            "lstm_param",
            "ctc_decoder_param",
            "mergecrop_param",
            "normalize_param",
            "inner_distance_param",
            "label_specific_add_param",
            "spatial_softmax_param",
            "mask_outputs_param",
            "scale_tanh_param",
            "continuation_indicator_param",
            "rrelu_param",
            "compact_bilinear_param",
            "denseblock_param",
            "resize_param",
            "gaterecurrent_param",
            "crelu_param",
            "apl_param",
            "eltwise_affine_param",
            "guided_dropout_param",
            "region_param",
            "region_yolo_param",
            "reorg_yolo_param",
            "pass_through_param",
            "permutohedral_param",
            "pixel_feature_param",
            "region_pooling_param",
            "roi_mask_pooling_param",
            "orn_param",
            "tiling_param",
            "local_param",
            "bnhk_param",
            "batch_pool_param",
            "normalization_param",
            "center_projection_param",
            "insanity_param",
            "imresize_param",
            "nms_param",
            "st_param",
            "rotate_pooling_param",
            "scalar_param",
            "deformable_convolution_param",
            "lstm_debug_param",
            "brelu_param",
            "output_decay_param",
            "beam_search_param",
            "srnnformat_param",
            "spatialtransformer_param",
            "rearrange_param",
            "group_norm_param",
            "roi_warping_param",
            "mask_resize_param",
            "shuffle_channel_param",
            "forward_type",
            "backward_type",
            "forward_math",
            "backward_math",
            "debug",
            "cudnn_math_override",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "name",
            "type",
            "bottom",
            "top",
            "phase",
            "loss_weight",
            "param",
            "blobs",
            "propagate_down",
            "include",
            "exclude",
            "transform_param",
            "loss_param",
            "accuracy_param",
            "argmax_param",
            "batch_norm_param",
            "bias_param",
            "clip_param",
            "concat_param",
            "contrastive_loss_param",
            "convolution_param",
            "crop_param",
            "data_param",
            "dropout_param",
            "dummy_data_param",
            "eltwise_param",
            "elu_param",
            "embed_param",
            "exp_param",
            "flatten_param",
            "hdf5_data_param",
            "hdf5_output_param",
            "hinge_loss_param",
            "image_data_param",
            "infogain_loss_param",
            "inner_product_param",
            "input_param",
            "log_param",
            "lrn_param",
            "memory_data_param",
            "mvn_param",
            "parameter_param",
            "pooling_param",
            "power_param",
            "prelu_param",
            "python_param",
            "recurrent_param",
            "reduction_param",
            "relu_param",
            "reshape_param",
            "scale_param",
            "sigmoid_param",
            "softmax_param",
            "spp_param",
            "slice_param",
            "swish_param",
            "tanh_param",
            "threshold_param",
            "tile_param",
            "window_data_param",
            "annotated_data_param",
            "detection_evaluate_param",
            "detection_output_param",
            "multibox_loss_param",
            "norm_param",
            "permute_param",
            "prior_box_param",
            "bn_param",
            "dense_image_data_param",
            "upsample_param",
            "dense_crf_param",
            "interp_param",
            "mat_read_param",
            "mat_write_param",
            "seg_accuracy_param",
            "multi_stage_meanfield_param",
            "roi_pooling_param",
            "smooth_l1_loss_param",
            "proposal_param",
            "psroi_pooling_param",
            "roi_align_param",
            "box_output_param",
            "box_group_output_param",
            "bbox_reg_param",
            "decode_bbox_param",
            "frcnn_output_param",
            "scale_route_param",
            "reorg_param",
            "yolo_detection_output_param",
            "yolov3_detection_output_param",
            "yolov3_param",
            "upsample_darknet_param",
            "frcnn_param",
            "psroi_align_param",
            "rpn_param",
            "roi_gen_param",
            "roi_alignment_param",
            "quantization_param",
            "expmax_param",
            "rand_comp_param",
            "periodic_shuffle_param",
            "sparsify_param",
            "gradient_scaler_param",
            "mil_param",
            "pooling_nd_param",
            "correlation_param",
            "flow_warp_param",
            "resample_param",
            "downsample_param",
            "accum_param",
            "mean_param",
            "augmentation_param",
            "reshape_every_iter",
            "coeff_schedule_param",
            "l1_loss_param",
            "lpq_loss_param",
            "convolution3d_param",
            "pooling3d_param",
            "video_data_param",
            "squeeze_param",
            "expand_dims_nd_param",
            "pad_param",
            "depth_to_space_param",
            "space_to_depth_param",
            "space_to_batch_nd_param",
            "batch_to_space_nd_param",
            "resize_bilinear_param",
            "resize_nearest_neighbor_param",
            "hard_sigmoid_param",
            "mul_param",
            "matmul_param",
            "layer_norm_param",
            "transpose_param",
            "reverse_param",
            "padding_param",
            "flip_param",
            "unpooling_param",
            "grn_param",
            "lstm_param",
            "ctc_decoder_param",
            "mergecrop_param",
            "normalize_param",
            "inner_distance_param",
            "label_specific_add_param",
            "spatial_softmax_param",
            "mask_outputs_param",
            "scale_tanh_param",
            "continuation_indicator_param",
            "rrelu_param",
            "compact_bilinear_param",
            "denseblock_param",
            "resize_param",
            "gaterecurrent_param",
            "crelu_param",
            "apl_param",
            "eltwise_affine_param",
            "guided_dropout_param",
            "region_param",
            "region_yolo_param",
            "reorg_yolo_param",
            "pass_through_param",
            "permutohedral_param",
            "pixel_feature_param",
            "region_pooling_param",
            "roi_mask_pooling_param",
            "orn_param",
            "tiling_param",
            "local_param",
            "bnhk_param",
            "batch_pool_param",
            "normalization_param",
            "center_projection_param",
            "insanity_param",
            "imresize_param",
            "nms_param",
            "st_param",
            "rotate_pooling_param",
            "scalar_param",
            "deformable_convolution_param",
            "lstm_conv_param",
            "lstm_debug_param",
            "brelu_param",
            "output_decay_param",
            "beam_search_param",
            "srnnformat_param",
            "spatialtransformer_param",
            "rearrange_param",
            "group_norm_param",
            "roi_warping_param",
            "mask_resize_param",
            "shuffle_channel_param",
            "forward_type",
            "backward_type",
            "forward_math",
            "backward_math",
            "debug",
            "cudnn_math_override",
        ],
    ) -> None: ...

class TransformationParameter(Message):
    InterpolationAlgo: Final[EnumTypeWrapper]
    INTER_NEAREST: Final = 0
    INTER_LINEAR: Final = 1
    INTER_CUBIC: Final = 2
    INTER_AREA: Final = 3
    scale: float
    mirror: bool
    crop_size: int
    mean_file: str
    @property
    def mean_value(self) -> RepeatedScalarFieldContainer[float]: ...
    force_color: bool
    force_gray: bool
    crop_h: int
    crop_w: int
    @property
    def resize_param(self) -> RepeatedCompositeFieldContainer[ResizeParameter]: ...
    @property
    def noise_param(self) -> NoiseParameter: ...
    @property
    def distort_param(self) -> DistortionParameter: ...
    @property
    def expand_param(self) -> ExpansionParameter: ...
    @property
    def emit_constraint(self) -> EmitConstraint: ...
    @property
    def scale_factors(self) -> RepeatedScalarFieldContainer[float]: ...
    crop_width: int
    crop_height: int
    img_rand_resize_lower: int
    img_rand_resize_upper: int
    rand_resize_ratio_lower: float
    rand_resize_ratio_upper: float
    vertical_stretch_lower: float
    vertical_stretch_upper: float
    horizontal_stretch_lower: float
    horizontal_stretch_upper: float
    interpolation_algo_down: int
    interpolation_algo_up: int
    allow_upscale: bool
    forward_packing: int
    use_gpu_transform: bool
    random_seed: int
    display: bool
    num_labels: int
    def __init__(
        self,
        *,
        scale: float = ...,
        mirror: bool = ...,
        crop_size: int = ...,
        mean_file: str = ...,
        mean_value: Iterable[float] = ...,
        force_color: bool = ...,
        force_gray: bool = ...,
        crop_h: int = ...,
        crop_w: int = ...,
        resize_param: Iterable[ResizeParameter] = ...,
        noise_param: NoiseParameter = ...,
        distort_param: DistortionParameter = ...,
        expand_param: ExpansionParameter = ...,
        emit_constraint: EmitConstraint = ...,
        scale_factors: Iterable[float] = ...,
        crop_width: int = ...,
        crop_height: int = ...,
        img_rand_resize_lower: int = ...,
        img_rand_resize_upper: int = ...,
        rand_resize_ratio_lower: float = ...,
        rand_resize_ratio_upper: float = ...,
        vertical_stretch_lower: float = ...,
        vertical_stretch_upper: float = ...,
        horizontal_stretch_lower: float = ...,
        horizontal_stretch_upper: float = ...,
        interpolation_algo_down: int | str = ...,
        interpolation_algo_up: int | str = ...,
        allow_upscale: bool = ...,
        forward_packing: int | str = ...,
        use_gpu_transform: bool = ...,
        random_seed: int = ...,
        display: bool = ...,
        num_labels: int = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "scale",
            "mirror",
            "crop_size",
            "mean_file",
            "force_color",
            "force_gray",
            "crop_h",
            "crop_w",
            "noise_param",
            "distort_param",
            "expand_param",
            "emit_constraint",
            "crop_width",
            "crop_height",
            "img_rand_resize_lower",
            "img_rand_resize_upper",
            "rand_resize_ratio_lower",
            "rand_resize_ratio_upper",
            "vertical_stretch_lower",
            "vertical_stretch_upper",
            "horizontal_stretch_lower",
            "horizontal_stretch_upper",
            "interpolation_algo_down",
            "interpolation_algo_up",
            "allow_upscale",
            "forward_packing",
            "use_gpu_transform",
            "random_seed",
            "display",
            "num_labels",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "scale",
            "mirror",
            "crop_size",
            "mean_file",
            "mean_value",
            "force_color",
            "force_gray",
            "crop_h",
            "crop_w",
            "resize_param",
            "noise_param",
            "distort_param",
            "expand_param",
            "emit_constraint",
            "scale_factors",
            "crop_width",
            "crop_height",
            "img_rand_resize_lower",
            "img_rand_resize_upper",
            "rand_resize_ratio_lower",
            "rand_resize_ratio_upper",
            "vertical_stretch_lower",
            "vertical_stretch_upper",
            "horizontal_stretch_lower",
            "horizontal_stretch_upper",
            "interpolation_algo_down",
            "interpolation_algo_up",
            "allow_upscale",
            "forward_packing",
            "use_gpu_transform",
            "random_seed",
            "display",
            "num_labels",
        ],
    ) -> None: ...

class LossParameter(Message):
    NormalizationMode: Final[EnumTypeWrapper]
    FULL: Final = 0
    VALID: Final = 1
    BATCH_SIZE: Final = 2
    NONE: Final = 3
    ignore_label: int
    normalization: int
    normalize: bool
    weight_by_label_freqs: bool
    @property
    def class_weighting(self) -> RepeatedScalarFieldContainer[float]: ...
    label_smoothing: float
    def __init__(
        self,
        *,
        ignore_label: int = ...,
        normalization: int | str = ...,
        normalize: bool = ...,
        weight_by_label_freqs: bool = ...,
        class_weighting: Iterable[float] = ...,
        label_smoothing: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal["ignore_label", "normalization", "normalize", "weight_by_label_freqs", "label_smoothing"],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "ignore_label", "normalization", "normalize", "weight_by_label_freqs", "class_weighting", "label_smoothing"
        ],
    ) -> None: ...

class AccuracyParameter(Message):
    top_k: int
    axis: int
    ignore_label: int
    def __init__(self, *, top_k: int = ..., axis: int = ..., ignore_label: int = ...) -> None: ...
    def HasField(self, field_name: Literal["top_k", "axis", "ignore_label"]) -> bool: ...
    def ClearField(self, field_name: Literal["top_k", "axis", "ignore_label"]) -> None: ...

class ArgMaxParameter(Message):
    out_max_val: bool
    top_k: int
    axis: int
    def __init__(self, *, out_max_val: bool = ..., top_k: int = ..., axis: int = ...) -> None: ...
    def HasField(self, field_name: Literal["out_max_val", "top_k", "axis"]) -> bool: ...
    def ClearField(self, field_name: Literal["out_max_val", "top_k", "axis"]) -> None: ...

class ClipParameter(Message):
    min: float
    max: float
    def __init__(self, *, min: float = ..., max: float = ...) -> None: ...
    def HasField(self, field_name: Literal["min", "max"]) -> bool: ...
    def ClearField(self, field_name: Literal["min", "max"]) -> None: ...

class ConcatParameter(Message):
    axis: int
    concat_dim: int
    def __init__(self, *, axis: int = ..., concat_dim: int = ...) -> None: ...
    def HasField(self, field_name: Literal["axis", "concat_dim"]) -> bool: ...
    def ClearField(self, field_name: Literal["axis", "concat_dim"]) -> None: ...

class BatchNormParameter(Message):
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    use_global_stats: bool
    moving_average_fraction: float
    eps: float
    update_global_stats: bool
    @property
    def scale_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    scale_bias: bool
    engine: int
    add_eps_before_sqrt: bool
    def __init__(
        self,
        *,
        use_global_stats: bool = ...,
        moving_average_fraction: float = ...,
        eps: float = ...,
        update_global_stats: bool = ...,
        scale_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
        scale_bias: bool = ...,
        engine: int | str = ...,
        add_eps_before_sqrt: bool = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "use_global_stats",
            "moving_average_fraction",
            "eps",
            "update_global_stats",
            "scale_filler",
            "bias_filler",
            "scale_bias",
            "engine",
            "add_eps_before_sqrt",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "use_global_stats",
            "moving_average_fraction",
            "eps",
            "update_global_stats",
            "scale_filler",
            "bias_filler",
            "scale_bias",
            "engine",
            "add_eps_before_sqrt",
        ],
    ) -> None: ...

class BiasParameter(Message):
    axis: int
    num_axes: int
    @property
    def filler(self) -> FillerParameter: ...
    def __init__(self, *, axis: int = ..., num_axes: int = ..., filler: FillerParameter = ...) -> None: ...
    def HasField(self, field_name: Literal["axis", "num_axes", "filler"]) -> bool: ...
    def ClearField(self, field_name: Literal["axis", "num_axes", "filler"]) -> None: ...

class ContrastiveLossParameter(Message):
    margin: float
    legacy_version: bool
    def __init__(self, *, margin: float = ..., legacy_version: bool = ...) -> None: ...
    def HasField(self, field_name: Literal["margin", "legacy_version"]) -> bool: ...
    def ClearField(self, field_name: Literal["margin", "legacy_version"]) -> None: ...

class ConvolutionParameter(Message):
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    CuDNNConvolutionAlgorithmSeeker: Final[EnumTypeWrapper]
    GET: Final = 0
    FINDEX: Final = 1
    num_output: int
    bias_term: bool
    @property
    def pad(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def kernel_size(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def stride(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def dilation(self) -> RepeatedScalarFieldContainer[int]: ...
    pad_h: int
    pad_w: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    group: int
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    engine: int
    axis: int
    force_nd_im2col: bool
    deformable_group: int
    hole: int
    hole_h: int
    hole_w: int
    cudnn_convolution_algo_seeker: int
    conv_algos_override: str
    kernel_depth: int
    temporal_stride: int
    temporal_pad: int
    filter_group: int
    @property
    def kernel_shape(self) -> BlobShape: ...
    @property
    def stride_shape(self) -> BlobShape: ...
    @property
    def pad_shape(self) -> BlobShape: ...
    pad_type: int
    pad_l: int
    pad_r: int
    pad_t: int
    pad_b: int
    def __init__(
        self,
        *,
        num_output: int = ...,
        bias_term: bool = ...,
        pad: Iterable[int] = ...,
        kernel_size: Iterable[int] = ...,
        stride: Iterable[int] = ...,
        dilation: Iterable[int] = ...,
        pad_h: int = ...,
        pad_w: int = ...,
        kernel_h: int = ...,
        kernel_w: int = ...,
        stride_h: int = ...,
        stride_w: int = ...,
        group: int = ...,
        weight_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
        engine: int | str = ...,
        axis: int = ...,
        force_nd_im2col: bool = ...,
        deformable_group: int = ...,
        hole: int = ...,
        hole_h: int = ...,
        hole_w: int = ...,
        cudnn_convolution_algo_seeker: int | str = ...,
        conv_algos_override: str = ...,
        kernel_depth: int = ...,
        temporal_stride: int = ...,
        temporal_pad: int = ...,
        filter_group: int = ...,
        kernel_shape: BlobShape = ...,
        stride_shape: BlobShape = ...,
        pad_shape: BlobShape = ...,
        pad_type: int = ...,
        pad_l: int = ...,
        pad_r: int = ...,
        pad_t: int = ...,
        pad_b: int = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "num_output",
            "bias_term",
            "pad_h",
            "pad_w",
            "kernel_h",
            "kernel_w",
            "stride_h",
            "stride_w",
            "group",
            "weight_filler",
            "bias_filler",
            "engine",
            "axis",
            "force_nd_im2col",
            "deformable_group",
            "hole",
            "hole_h",
            "hole_w",
            "cudnn_convolution_algo_seeker",
            "conv_algos_override",
            "kernel_depth",
            "temporal_stride",
            "temporal_pad",
            "filter_group",
            "kernel_shape",
            "stride_shape",
            "pad_shape",
            "pad_type",
            "pad_l",
            "pad_r",
            "pad_t",
            "pad_b",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "num_output",
            "bias_term",
            "pad",
            "kernel_size",
            "stride",
            "dilation",
            "pad_h",
            "pad_w",
            "kernel_h",
            "kernel_w",
            "stride_h",
            "stride_w",
            "group",
            "weight_filler",
            "bias_filler",
            "engine",
            "axis",
            "force_nd_im2col",
            "deformable_group",
            "hole",
            "hole_h",
            "hole_w",
            "cudnn_convolution_algo_seeker",
            "conv_algos_override",
            "kernel_depth",
            "temporal_stride",
            "temporal_pad",
            "filter_group",
            "kernel_shape",
            "stride_shape",
            "pad_shape",
            "pad_type",
            "pad_l",
            "pad_r",
            "pad_t",
            "pad_b",
        ],
    ) -> None: ...

class CropParameter(Message):
    axis: int
    @property
    def offset(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(self, *, axis: int = ..., offset: Iterable[int] = ...) -> None: ...
    def HasField(self, field_name: Literal["axis"]) -> bool: ...
    def ClearField(self, field_name: Literal["axis", "offset"]) -> None: ...

class DataParameter(Message):
    DB: Final[EnumTypeWrapper]
    LEVELDB: Final = 0
    LMDB: Final = 1
    source: str
    batch_size: int
    rand_skip: int
    backend: int
    scale: float
    mean_file: str
    crop_size: int
    mirror: bool
    force_encoded_color: bool
    prefetch: int
    threads: int
    parser_threads: int
    cache: bool
    shuffle: bool
    precache: bool
    def __init__(
        self,
        *,
        source: str = ...,
        batch_size: int = ...,
        rand_skip: int = ...,
        backend: int | str = ...,
        scale: float = ...,
        mean_file: str = ...,
        crop_size: int = ...,
        mirror: bool = ...,
        force_encoded_color: bool = ...,
        prefetch: int = ...,
        threads: int = ...,
        parser_threads: int = ...,
        cache: bool = ...,
        shuffle: bool = ...,
        precache: bool = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "source",
            "batch_size",
            "rand_skip",
            "backend",
            "scale",
            "mean_file",
            "crop_size",
            "mirror",
            "force_encoded_color",
            "prefetch",
            "threads",
            "parser_threads",
            "cache",
            "shuffle",
            "precache",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "source",
            "batch_size",
            "rand_skip",
            "backend",
            "scale",
            "mean_file",
            "crop_size",
            "mirror",
            "force_encoded_color",
            "prefetch",
            "threads",
            "parser_threads",
            "cache",
            "shuffle",
            "precache",
        ],
    ) -> None: ...

class DropoutParameter(Message):
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    dropout_ratio: float
    sample_weights_test: bool
    scale_train: bool
    engine: int
    random_seed: int
    def __init__(
        self,
        *,
        dropout_ratio: float = ...,
        sample_weights_test: bool = ...,
        scale_train: bool = ...,
        engine: int | str = ...,
        random_seed: int = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["dropout_ratio", "sample_weights_test", "scale_train", "engine", "random_seed"]
    ) -> bool: ...
    def ClearField(
        self, field_name: Literal["dropout_ratio", "sample_weights_test", "scale_train", "engine", "random_seed"]
    ) -> None: ...

class DummyDataParameter(Message):
    @property
    def data_filler(self) -> RepeatedCompositeFieldContainer[FillerParameter]: ...
    @property
    def shape(self) -> RepeatedCompositeFieldContainer[BlobShape]: ...
    @property
    def num(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def channels(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def height(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def width(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(
        self,
        *,
        data_filler: Iterable[FillerParameter] = ...,
        shape: Iterable[BlobShape] = ...,
        num: Iterable[int] = ...,
        channels: Iterable[int] = ...,
        height: Iterable[int] = ...,
        width: Iterable[int] = ...,
    ) -> None: ...
    def ClearField(self, field_name: Literal["data_filler", "shape", "num", "channels", "height", "width"]) -> None: ...

class EltwiseParameter(Message):
    EltwiseOp: Final[EnumTypeWrapper]
    PROD: Final = 0
    SUM: Final = 1
    MAX: Final = 2
    operation: int
    @property
    def coeff(self) -> RepeatedScalarFieldContainer[float]: ...
    stable_prod_grad: bool
    coeff_blob: bool
    def __init__(
        self,
        *,
        operation: int | str = ...,
        coeff: Iterable[float] = ...,
        stable_prod_grad: bool = ...,
        coeff_blob: bool = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["operation", "stable_prod_grad", "coeff_blob"]) -> bool: ...
    def ClearField(self, field_name: Literal["operation", "coeff", "stable_prod_grad", "coeff_blob"]) -> None: ...

class ELUParameter(Message):
    alpha: float
    def __init__(self, *, alpha: float = ...) -> None: ...
    def HasField(self, field_name: Literal["alpha"]) -> bool: ...
    def ClearField(self, field_name: Literal["alpha"]) -> None: ...

class EmbedParameter(Message):
    num_output: int
    input_dim: int
    bias_term: bool
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    def __init__(
        self,
        *,
        num_output: int = ...,
        input_dim: int = ...,
        bias_term: bool = ...,
        weight_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["num_output", "input_dim", "bias_term", "weight_filler", "bias_filler"]
    ) -> bool: ...
    def ClearField(
        self, field_name: Literal["num_output", "input_dim", "bias_term", "weight_filler", "bias_filler"]
    ) -> None: ...

class ExpParameter(Message):
    base: float
    scale: float
    shift: float
    def __init__(self, *, base: float = ..., scale: float = ..., shift: float = ...) -> None: ...
    def HasField(self, field_name: Literal["base", "scale", "shift"]) -> bool: ...
    def ClearField(self, field_name: Literal["base", "scale", "shift"]) -> None: ...

class FlattenParameter(Message):
    axis: int
    end_axis: int
    def __init__(self, *, axis: int = ..., end_axis: int = ...) -> None: ...
    def HasField(self, field_name: Literal["axis", "end_axis"]) -> bool: ...
    def ClearField(self, field_name: Literal["axis", "end_axis"]) -> None: ...

class HDF5DataParameter(Message):
    source: str
    batch_size: int
    shuffle: bool
    def __init__(self, *, source: str = ..., batch_size: int = ..., shuffle: bool = ...) -> None: ...
    def HasField(self, field_name: Literal["source", "batch_size", "shuffle"]) -> bool: ...
    def ClearField(self, field_name: Literal["source", "batch_size", "shuffle"]) -> None: ...

class HDF5OutputParameter(Message):
    file_name: str
    def __init__(self, *, file_name: str = ...) -> None: ...
    def HasField(self, field_name: Literal["file_name"]) -> bool: ...
    def ClearField(self, field_name: Literal["file_name"]) -> None: ...

class HingeLossParameter(Message):
    Norm: Final[EnumTypeWrapper]
    L1: Final = 1
    L2: Final = 2
    norm: int
    def __init__(self, *, norm: int | str = ...) -> None: ...
    def HasField(self, field_name: Literal["norm"]) -> bool: ...
    def ClearField(self, field_name: Literal["norm"]) -> None: ...

class ImageDataParameter(Message):
    LabelType: Final[EnumTypeWrapper]
    NONE: Final = 0
    IMAGE: Final = 1
    PIXEL: Final = 2
    source: str
    batch_size: int
    rand_skip: int
    shuffle: bool
    new_height: int
    new_width: int
    is_color: bool
    scale: float
    mean_file: str
    crop_size: int
    mirror: bool
    root_folder: str
    label_divide_factor: int
    ignore_label: int
    label_type: int
    short_side: int
    threads: int
    cache: bool
    precache: bool
    dataset_share_per_node: float
    new_length: int
    def __init__(
        self,
        *,
        source: str = ...,
        batch_size: int = ...,
        rand_skip: int = ...,
        shuffle: bool = ...,
        new_height: int = ...,
        new_width: int = ...,
        is_color: bool = ...,
        scale: float = ...,
        mean_file: str = ...,
        crop_size: int = ...,
        mirror: bool = ...,
        root_folder: str = ...,
        label_divide_factor: int = ...,
        ignore_label: int = ...,
        label_type: int | str = ...,
        short_side: int = ...,
        threads: int = ...,
        cache: bool = ...,
        precache: bool = ...,
        dataset_share_per_node: float = ...,
        new_length: int = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "source",
            "batch_size",
            "rand_skip",
            "shuffle",
            "new_height",
            "new_width",
            "is_color",
            "scale",
            "mean_file",
            "crop_size",
            "mirror",
            "root_folder",
            "label_divide_factor",
            "ignore_label",
            "label_type",
            "short_side",
            "threads",
            "cache",
            "precache",
            "dataset_share_per_node",
            "new_length",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "source",
            "batch_size",
            "rand_skip",
            "shuffle",
            "new_height",
            "new_width",
            "is_color",
            "scale",
            "mean_file",
            "crop_size",
            "mirror",
            "root_folder",
            "label_divide_factor",
            "ignore_label",
            "label_type",
            "short_side",
            "threads",
            "cache",
            "precache",
            "dataset_share_per_node",
            "new_length",
        ],
    ) -> None: ...

class InfogainLossParameter(Message):
    source: str
    axis: int
    def __init__(self, *, source: str = ..., axis: int = ...) -> None: ...
    def HasField(self, field_name: Literal["source", "axis"]) -> bool: ...
    def ClearField(self, field_name: Literal["source", "axis"]) -> None: ...

class InnerProductParameter(Message):
    num_output: int
    bias_term: bool
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    axis: int
    transpose: bool
    normalize: bool
    def __init__(
        self,
        *,
        num_output: int = ...,
        bias_term: bool = ...,
        weight_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
        axis: int = ...,
        transpose: bool = ...,
        normalize: bool = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "num_output", "bias_term", "weight_filler", "bias_filler", "axis", "transpose", "normalize"
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "num_output", "bias_term", "weight_filler", "bias_filler", "axis", "transpose", "normalize"
        ],
    ) -> None: ...

class InputParameter(Message):
    @property
    def shape(self) -> RepeatedCompositeFieldContainer[BlobShape]: ...
    def __init__(self, *, shape: Iterable[BlobShape] = ...) -> None: ...
    def ClearField(self, field_name: Literal["shape"]) -> None: ...

class LogParameter(Message):
    base: float
    scale: float
    shift: float
    def __init__(self, *, base: float = ..., scale: float = ..., shift: float = ...) -> None: ...
    def HasField(self, field_name: Literal["base", "scale", "shift"]) -> bool: ...
    def ClearField(self, field_name: Literal["base", "scale", "shift"]) -> None: ...

class LRNParameter(Message):
    NormRegion: Final[EnumTypeWrapper]
    ACROSS_CHANNELS: Final = 0
    WITHIN_CHANNEL: Final = 1
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    local_size: int
    alpha: float
    beta: float
    norm_region: int
    k: float
    engine: int
    def __init__(
        self,
        *,
        local_size: int = ...,
        alpha: float = ...,
        beta: float = ...,
        norm_region: int | str = ...,
        k: float = ...,
        engine: int | str = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["local_size", "alpha", "beta", "norm_region", "k", "engine"]) -> bool: ...
    def ClearField(self, field_name: Literal["local_size", "alpha", "beta", "norm_region", "k", "engine"]) -> None: ...

class MemoryDataParameter(Message):
    batch_size: int
    channels: int
    height: int
    width: int
    @property
    def dim(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(
        self,
        *,
        batch_size: int = ...,
        channels: int = ...,
        height: int = ...,
        width: int = ...,
        dim: Iterable[int] = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["batch_size", "channels", "height", "width"]) -> bool: ...
    def ClearField(self, field_name: Literal["batch_size", "channels", "height", "width", "dim"]) -> None: ...

class MVNParameter(Message):
    normalize_variance: bool
    across_channels: bool
    eps: float
    axis: int
    def __init__(
        self, *, normalize_variance: bool = ..., across_channels: bool = ..., eps: float = ..., axis: int = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["normalize_variance", "across_channels", "eps", "axis"]) -> bool: ...
    def ClearField(self, field_name: Literal["normalize_variance", "across_channels", "eps", "axis"]) -> None: ...

class ParameterParameter(Message):
    @property
    def shape(self) -> BlobShape: ...
    def __init__(self, *, shape: BlobShape = ...) -> None: ...
    def HasField(self, field_name: Literal["shape"]) -> bool: ...
    def ClearField(self, field_name: Literal["shape"]) -> None: ...

class PoolingParameter(Message):
    PoolMethod: Final[EnumTypeWrapper]
    MAX: Final = 0
    AVE: Final = 1
    STOCHASTIC: Final = 2
    AVE_EXC_PAD: Final = 3
    AVE_TF: Final = 4
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    RoundMode: Final[EnumTypeWrapper]
    CEIL: Final = 0
    FLOOR: Final = 1
    pool: int
    pad: int
    pad_h: int
    pad_w: int
    kernel_size: int
    kernel_h: int
    kernel_w: int
    stride: int
    stride_h: int
    stride_w: int
    engine: int
    global_pooling: bool
    round_mode: int
    ceil_mode: bool
    torch_pooling: bool
    kernel_depth: int
    temporal_stride: int
    @property
    def kernel_shape(self) -> BlobShape: ...
    @property
    def stride_shape(self) -> BlobShape: ...
    @property
    def pad_shape(self) -> BlobShape: ...
    pad_type: int
    pad_l: int
    pad_r: int
    pad_t: int
    pad_b: int
    @property
    def each_kernel_size(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def each_stride(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def each_pad(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def dilation(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(
        self,
        *,
        pool: int | str = ...,
        pad: int = ...,
        pad_h: int = ...,
        pad_w: int = ...,
        kernel_size: int = ...,
        kernel_h: int = ...,
        kernel_w: int = ...,
        stride: int = ...,
        stride_h: int = ...,
        stride_w: int = ...,
        engine: int | str = ...,
        global_pooling: bool = ...,
        round_mode: int | str = ...,
        ceil_mode: bool = ...,
        torch_pooling: bool = ...,
        kernel_depth: int = ...,
        temporal_stride: int = ...,
        kernel_shape: BlobShape = ...,
        stride_shape: BlobShape = ...,
        pad_shape: BlobShape = ...,
        pad_type: int = ...,
        pad_l: int = ...,
        pad_r: int = ...,
        pad_t: int = ...,
        pad_b: int = ...,
        each_kernel_size: Iterable[int] = ...,
        each_stride: Iterable[int] = ...,
        each_pad: Iterable[int] = ...,
        dilation: Iterable[int] = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "pool",
            "pad",
            "pad_h",
            "pad_w",
            "kernel_size",
            "kernel_h",
            "kernel_w",
            "stride",
            "stride_h",
            "stride_w",
            "engine",
            "global_pooling",
            "round_mode",
            "ceil_mode",
            "torch_pooling",
            "kernel_depth",
            "temporal_stride",
            "kernel_shape",
            "stride_shape",
            "pad_shape",
            "pad_type",
            "pad_l",
            "pad_r",
            "pad_t",
            "pad_b",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "pool",
            "pad",
            "pad_h",
            "pad_w",
            "kernel_size",
            "kernel_h",
            "kernel_w",
            "stride",
            "stride_h",
            "stride_w",
            "engine",
            "global_pooling",
            "round_mode",
            "ceil_mode",
            "torch_pooling",
            "kernel_depth",
            "temporal_stride",
            "kernel_shape",
            "stride_shape",
            "pad_shape",
            "pad_type",
            "pad_l",
            "pad_r",
            "pad_t",
            "pad_b",
            "each_kernel_size",
            "each_stride",
            "each_pad",
            "dilation",
        ],
    ) -> None: ...

class PowerParameter(Message):
    power: float
    scale: float
    shift: float
    def __init__(self, *, power: float = ..., scale: float = ..., shift: float = ...) -> None: ...
    def HasField(self, field_name: Literal["power", "scale", "shift"]) -> bool: ...
    def ClearField(self, field_name: Literal["power", "scale", "shift"]) -> None: ...

class PythonParameter(Message):
    module: str
    layer: str
    param_str: str
    share_in_parallel: bool
    def __init__(
        self, *, module: str = ..., layer: str = ..., param_str: str = ..., share_in_parallel: bool = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["module", "layer", "param_str", "share_in_parallel"]) -> bool: ...
    def ClearField(self, field_name: Literal["module", "layer", "param_str", "share_in_parallel"]) -> None: ...

class RecurrentParameter(Message):
    num_output: int
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    debug_info: bool
    expose_hidden: bool
    lstm_additional_forget_bias: float
    static_input_only_start: bool
    def __init__(
        self,
        *,
        num_output: int = ...,
        weight_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
        debug_info: bool = ...,
        expose_hidden: bool = ...,
        lstm_additional_forget_bias: float = ...,
        static_input_only_start: bool = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "num_output",
            "weight_filler",
            "bias_filler",
            "debug_info",
            "expose_hidden",
            "lstm_additional_forget_bias",
            "static_input_only_start",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "num_output",
            "weight_filler",
            "bias_filler",
            "debug_info",
            "expose_hidden",
            "lstm_additional_forget_bias",
            "static_input_only_start",
        ],
    ) -> None: ...

class ReductionParameter(Message):
    ReductionOp: Final[EnumTypeWrapper]
    SUM: Final = 1
    ASUM: Final = 2
    SUMSQ: Final = 3
    MEAN: Final = 4
    operation: int
    axis: int
    coeff: float
    def __init__(self, *, operation: int | str = ..., axis: int = ..., coeff: float = ...) -> None: ...
    def HasField(self, field_name: Literal["operation", "axis", "coeff"]) -> bool: ...
    def ClearField(self, field_name: Literal["operation", "axis", "coeff"]) -> None: ...

class ReLUParameter(Message):
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    negative_slope: float
    engine: int
    relu6: bool
    maximum: float
    minimum: float
    def __init__(
        self,
        *,
        negative_slope: float = ...,
        engine: int | str = ...,
        relu6: bool = ...,
        maximum: float = ...,
        minimum: float = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["negative_slope", "engine", "relu6", "maximum", "minimum"]) -> bool: ...
    def ClearField(self, field_name: Literal["negative_slope", "engine", "relu6", "maximum", "minimum"]) -> None: ...

class ReshapeParameter(Message):
    @property
    def shape(self) -> BlobShape: ...
    axis: int
    num_axes: int
    pixelshuffler: int
    def __init__(
        self, *, shape: BlobShape = ..., axis: int = ..., num_axes: int = ..., pixelshuffler: int = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["shape", "axis", "num_axes", "pixelshuffler"]) -> bool: ...
    def ClearField(self, field_name: Literal["shape", "axis", "num_axes", "pixelshuffler"]) -> None: ...

class ScaleParameter(Message):
    axis: int
    num_axes: int
    @property
    def filler(self) -> FillerParameter: ...
    bias_term: bool
    @property
    def bias_filler(self) -> FillerParameter: ...
    def __init__(
        self,
        *,
        axis: int = ...,
        num_axes: int = ...,
        filler: FillerParameter = ...,
        bias_term: bool = ...,
        bias_filler: FillerParameter = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["axis", "num_axes", "filler", "bias_term", "bias_filler"]) -> bool: ...
    def ClearField(self, field_name: Literal["axis", "num_axes", "filler", "bias_term", "bias_filler"]) -> None: ...

class SigmoidParameter(Message):
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    engine: int
    def __init__(self, *, engine: int | str = ...) -> None: ...
    def HasField(self, field_name: Literal["engine"]) -> bool: ...
    def ClearField(self, field_name: Literal["engine"]) -> None: ...

class SliceParameter(Message):
    axis: int
    @property
    def slice_point(self) -> RepeatedScalarFieldContainer[int]: ...
    slice_dim: int
    def __init__(self, *, axis: int = ..., slice_point: Iterable[int] = ..., slice_dim: int = ...) -> None: ...
    def HasField(self, field_name: Literal["axis", "slice_dim"]) -> bool: ...
    def ClearField(self, field_name: Literal["axis", "slice_point", "slice_dim"]) -> None: ...

class SoftmaxParameter(Message):
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    engine: int
    axis: int
    def __init__(self, *, engine: int | str = ..., axis: int = ...) -> None: ...
    def HasField(self, field_name: Literal["engine", "axis"]) -> bool: ...
    def ClearField(self, field_name: Literal["engine", "axis"]) -> None: ...

class SwishParameter(Message):
    beta: float
    def __init__(self, *, beta: float = ...) -> None: ...
    def HasField(self, field_name: Literal["beta"]) -> bool: ...
    def ClearField(self, field_name: Literal["beta"]) -> None: ...

class TanHParameter(Message):
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    engine: int
    def __init__(self, *, engine: int | str = ...) -> None: ...
    def HasField(self, field_name: Literal["engine"]) -> bool: ...
    def ClearField(self, field_name: Literal["engine"]) -> None: ...

class TileParameter(Message):
    axis: int
    tiles: int
    def __init__(self, *, axis: int = ..., tiles: int = ...) -> None: ...
    def HasField(self, field_name: Literal["axis", "tiles"]) -> bool: ...
    def ClearField(self, field_name: Literal["axis", "tiles"]) -> None: ...

class ThresholdParameter(Message):
    threshold: float
    def __init__(self, *, threshold: float = ...) -> None: ...
    def HasField(self, field_name: Literal["threshold"]) -> bool: ...
    def ClearField(self, field_name: Literal["threshold"]) -> None: ...

class WindowDataParameter(Message):
    source: str
    scale: float
    mean_file: str
    batch_size: int
    crop_size: int
    mirror: bool
    fg_threshold: float
    bg_threshold: float
    fg_fraction: float
    context_pad: int
    crop_mode: str
    cache_images: bool
    root_folder: str
    def __init__(
        self,
        *,
        source: str = ...,
        scale: float = ...,
        mean_file: str = ...,
        batch_size: int = ...,
        crop_size: int = ...,
        mirror: bool = ...,
        fg_threshold: float = ...,
        bg_threshold: float = ...,
        fg_fraction: float = ...,
        context_pad: int = ...,
        crop_mode: str = ...,
        cache_images: bool = ...,
        root_folder: str = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "source",
            "scale",
            "mean_file",
            "batch_size",
            "crop_size",
            "mirror",
            "fg_threshold",
            "bg_threshold",
            "fg_fraction",
            "context_pad",
            "crop_mode",
            "cache_images",
            "root_folder",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "source",
            "scale",
            "mean_file",
            "batch_size",
            "crop_size",
            "mirror",
            "fg_threshold",
            "bg_threshold",
            "fg_fraction",
            "context_pad",
            "crop_mode",
            "cache_images",
            "root_folder",
        ],
    ) -> None: ...

class SPPParameter(Message):
    PoolMethod: Final[EnumTypeWrapper]
    MAX: Final = 0
    AVE: Final = 1
    STOCHASTIC: Final = 2
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    pyramid_height: int
    pool: int
    engine: int
    def __init__(self, *, pyramid_height: int = ..., pool: int | str = ..., engine: int | str = ...) -> None: ...
    def HasField(self, field_name: Literal["pyramid_height", "pool", "engine"]) -> bool: ...
    def ClearField(self, field_name: Literal["pyramid_height", "pool", "engine"]) -> None: ...

class V1LayerParameter(Message):
    LayerType: Final[EnumTypeWrapper]
    NONE: Final = 0
    ABSVAL: Final = 35
    ACCURACY: Final = 1
    ARGMAX: Final = 30
    BNLL: Final = 2
    CONCAT: Final = 3
    CONTRASTIVE_LOSS: Final = 37
    CONVOLUTION: Final = 4
    DATA: Final = 5
    DECONVOLUTION: Final = 39
    DROPOUT: Final = 6
    DUMMY_DATA: Final = 32
    EUCLIDEAN_LOSS: Final = 7
    ELTWISE: Final = 25
    EXP: Final = 38
    FLATTEN: Final = 8
    HDF5_DATA: Final = 9
    HDF5_OUTPUT: Final = 10
    HINGE_LOSS: Final = 28
    IM2COL: Final = 11
    IMAGE_DATA: Final = 12
    INFOGAIN_LOSS: Final = 13
    INNER_PRODUCT: Final = 14
    LRN: Final = 15
    MEMORY_DATA: Final = 29
    MULTINOMIAL_LOGISTIC_LOSS: Final = 16
    MVN: Final = 34
    POOLING: Final = 17
    POWER: Final = 26
    RELU: Final = 18
    SIGMOID: Final = 19
    SIGMOID_CROSS_ENTROPY_LOSS: Final = 27
    SILENCE: Final = 36
    SOFTMAX: Final = 20
    SOFTMAX_LOSS: Final = 21
    SPLIT: Final = 22
    SLICE: Final = 33
    TANH: Final = 23
    WINDOW_DATA: Final = 24
    THRESHOLD: Final = 31
    DimCheckMode: Final[EnumTypeWrapper]
    STRICT: Final = 0
    PERMISSIVE: Final = 1
    @property
    def bottom(self) -> RepeatedScalarFieldContainer[str]: ...
    @property
    def top(self) -> RepeatedScalarFieldContainer[str]: ...
    name: str
    @property
    def include(self) -> RepeatedCompositeFieldContainer[NetStateRule]: ...
    @property
    def exclude(self) -> RepeatedCompositeFieldContainer[NetStateRule]: ...
    type: int
    @property
    def blobs(self) -> RepeatedCompositeFieldContainer[BlobProto]: ...
    @property
    def param(self) -> RepeatedScalarFieldContainer[str]: ...
    @property
    def blob_share_mode(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def blobs_lr(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def weight_decay(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def loss_weight(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def accuracy_param(self) -> AccuracyParameter: ...
    @property
    def argmax_param(self) -> ArgMaxParameter: ...
    @property
    def concat_param(self) -> ConcatParameter: ...
    @property
    def contrastive_loss_param(self) -> ContrastiveLossParameter: ...
    @property
    def convolution_param(self) -> ConvolutionParameter: ...
    @property
    def data_param(self) -> DataParameter: ...
    @property
    def dropout_param(self) -> DropoutParameter: ...
    @property
    def dummy_data_param(self) -> DummyDataParameter: ...
    @property
    def eltwise_param(self) -> EltwiseParameter: ...
    @property
    def exp_param(self) -> ExpParameter: ...
    @property
    def hdf5_data_param(self) -> HDF5DataParameter: ...
    @property
    def hdf5_output_param(self) -> HDF5OutputParameter: ...
    @property
    def hinge_loss_param(self) -> HingeLossParameter: ...
    @property
    def image_data_param(self) -> ImageDataParameter: ...
    @property
    def infogain_loss_param(self) -> InfogainLossParameter: ...
    @property
    def inner_product_param(self) -> InnerProductParameter: ...
    @property
    def lrn_param(self) -> LRNParameter: ...
    @property
    def memory_data_param(self) -> MemoryDataParameter: ...
    @property
    def mvn_param(self) -> MVNParameter: ...
    @property
    def pooling_param(self) -> PoolingParameter: ...
    @property
    def power_param(self) -> PowerParameter: ...
    @property
    def relu_param(self) -> ReLUParameter: ...
    @property
    def sigmoid_param(self) -> SigmoidParameter: ...
    @property
    def softmax_param(self) -> SoftmaxParameter: ...
    @property
    def slice_param(self) -> SliceParameter: ...
    @property
    def tanh_param(self) -> TanHParameter: ...
    @property
    def threshold_param(self) -> ThresholdParameter: ...
    @property
    def window_data_param(self) -> WindowDataParameter: ...
    @property
    def transform_param(self) -> TransformationParameter: ...
    @property
    def loss_param(self) -> LossParameter: ...
    @property
    def layer(self) -> V0LayerParameter: ...
    @property
    def annotated_data_param(self) -> AnnotatedDataParameter: ...
    @property
    def detection_evaluate_param(self) -> DetectionEvaluateParameter: ...
    @property
    def detection_output_param(self) -> DetectionOutputParameter: ...
    @property
    def multibox_loss_param(self) -> MultiBoxLossParameter: ...
    @property
    def norm_param(self) -> NormalizeParameter: ...
    @property
    def permute_param(self) -> PermuteParameter: ...
    @property
    def prior_box_param(self) -> PriorBoxParameter: ...
    @property
    def bn_param(self) -> BNParameter: ...
    @property
    def dense_image_data_param(self) -> DenseImageDataParameter: ...
    @property
    def upsample_param(self) -> UpsampleParameter: ...
    @property
    def dense_crf_param(self) -> DenseCRFParameter: ...
    @property
    def interp_param(self) -> InterpParameter: ...
    @property
    def mat_read_param(self) -> MatReadParameter: ...
    @property
    def mat_write_param(self) -> MatWriteParameter: ...
    @property
    def seg_accuracy_param(self) -> SegAccuracyParameter: ...
    @property
    def multi_stage_meanfield_param(self) -> MultiStageMeanfieldParameter: ...
    @property
    def roi_pooling_param(self) -> ROIPoolingParameter: ...
    @property
    def smooth_l1_loss_param(self) -> SmoothL1LossParameter: ...
    @property
    def proposal_param(self) -> ProposalParameter: ...
    @property
    def psroi_pooling_param(self) -> PSROIPoolingParameter: ...
    @property
    def roi_align_param(self) -> ROIAlignParameter: ...
    @property
    def box_output_param(self) -> BoxOutputParameter: ...
    @property
    def box_group_output_param(self) -> BoxGroupOutputParameter: ...
    @property
    def bbox_reg_param(self) -> BBoxRegParameter: ...
    @property
    def decode_bbox_param(self) -> DecodeBBoxParameter: ...
    @property
    def frcnn_output_param(self) -> FrcnnOutputParameter: ...
    @property
    def scale_route_param(self) -> ScaleRouteParameter: ...
    @property
    def reorg_param(self) -> ReorgParameter: ...
    @property
    def yolo_detection_output_param(self) -> YoloDetectionOutputParameter: ...
    @property
    def yolov3_detection_output_param(self) -> Yolov3DetectionOutputParameter: ...
    @property
    def yolov3_param(self) -> Yolov3Parameter: ...
    @property
    def upsample_darknet_param(self) -> UpsampleDarknetParameter: ...
    @property
    def frcnn_param(self) -> FrcnnParameter: ...
    @property
    def psroi_align_param(self) -> PSROIAlignParameter: ...
    @property
    def rpn_param(self) -> RPNParameter: ...
    @property
    def roi_gen_param(self) -> RoiGenParameter: ...
    @property
    def roi_alignment_param(self) -> ROIAlignmentParameter: ...
    @property
    def quantization_param(self) -> QuantizationParameter: ...
    @property
    def expmax_param(self) -> ExpMaxParameter: ...
    @property
    def rand_comp_param(self) -> RandCompParameter: ...
    @property
    def periodic_shuffle_param(self) -> PeriodicShuffleParameter: ...
    @property
    def sparsify_param(self) -> SparsifyParameter: ...
    @property
    def gradient_scaler_param(self) -> GradientScalerParameter: ...
    @property
    def mil_param(self) -> MILParameter: ...
    @property
    def pooling_nd_param(self) -> PoolingNDParameter: ...
    @property
    def correlation_param(self) -> CorrelationParameter: ...
    @property
    def flow_warp_param(self) -> FlowWarpParameter: ...
    @property
    def resample_param(self) -> ResampleParameter: ...
    @property
    def downsample_param(self) -> DownsampleParameter: ...
    @property
    def accum_param(self) -> AccumParameter: ...
    @property
    def mean_param(self) -> MeanParameter: ...
    @property
    def augmentation_param(self) -> AugmentationParameter: ...
    @property
    def coeff_schedule_param(self) -> CoeffScheduleParameter: ...
    @property
    def l1_loss_param(self) -> L1LossParameter: ...
    @property
    def lpq_loss_param(self) -> LpqLossParameter: ...
    @property
    def convolution3d_param(self) -> Convolution3DParameter: ...
    @property
    def pooling3d_param(self) -> Pooling3DParameter: ...
    @property
    def video_data_param(self) -> VideoDataParameter: ...
    @property
    def squeeze_param(self) -> SqueezeParameter: ...
    @property
    def expand_dims_nd_param(self) -> ExpandDimsNDParameter: ...
    @property
    def pad_param(self) -> PadParameter: ...
    @property
    def depth_to_space_param(self) -> BlockSizeParameter: ...
    @property
    def space_to_depth_param(self) -> BlockSizeParameter: ...
    @property
    def space_to_batch_nd_param(self) -> SpaceToBatchNDParameter: ...
    @property
    def batch_to_space_nd_param(self) -> BatchToSpaceNDParameter: ...
    @property
    def resize_bilinear_param(self) -> ResizingParameter: ...
    @property
    def resize_nearest_neighbor_param(self) -> ResizingParameter: ...
    @property
    def hard_sigmoid_param(self) -> HardSigmoidParameter: ...
    @property
    def mul_param(self) -> MulParameter: ...
    @property
    def matmul_param(self) -> MatMulParameter: ...
    @property
    def layer_norm_param(self) -> LayerNormParameter: ...
    @property
    def transpose_param(self) -> BlobShape: ...
    @property
    def reverse_param(self) -> ReverseParameter: ...
    @property
    def padding_param(self) -> PaddingParameter: ...
    @property
    def flip_param(self) -> FlipParameter: ...
    @property
    def unpooling_param(self) -> UnpoolingParameter: ...
    @property
    def grn_param(self) -> GRNParameter: ...
    @property
    def lstm_param(self) -> LSTMParameter: ...
    @property
    def ctc_decoder_param(self) -> CTCDecoderParameter: ...
    @property
    def mergecrop_param(self) -> MergeCropParameter: ...
    @property
    def normalize_param(self) -> VectorNormalizeParameter: ...
    @property
    def inner_distance_param(self) -> InnerDistanceParameter: ...
    @property
    def label_specific_add_param(self) -> LabelSpecificAddParameter: ...
    @property
    def spatial_softmax_param(self) -> SpatialSoftmaxParameter: ...
    @property
    def mask_outputs_param(self) -> MaskOutputsParameter: ...
    @property
    def scale_tanh_param(self) -> ScaleTanHParameter: ...
    @property
    def continuation_indicator_param(self) -> ContinuationIndicatorParameter: ...
    @property
    def rrelu_param(self) -> RReLUParameter: ...
    @property
    def compact_bilinear_param(self) -> CompactBilinearParameter: ...
    @property
    def denseblock_param(self) -> DenseBlockParameter: ...
    @property
    def resize_param(self) -> ResizeLayerParameter: ...
    @property
    def gaterecurrent_param(self) -> GateRecurrentParameter: ...
    @property
    def crelu_param(self) -> CReLUParameter: ...
    @property
    def apl_param(self) -> APLParameter: ...
    @property
    def eltwise_affine_param(self) -> EltwiseAffineParameter: ...
    @property
    def guided_dropout_param(self) -> GuidedDropoutParameter: ...
    @property
    def region_param(self) -> RegionParameter: ...
    @property
    def region_yolo_param(self) -> RegionParameter: ...
    @property
    def reorg_yolo_param(self) -> ReorgYoloParameter: ...
    @property
    def pass_through_param(self) -> PassThroughParameter: ...
    @property
    def permutohedral_param(self) -> PermutohedralParameter: ...
    @property
    def pixel_feature_param(self) -> PixelFeatureParameter: ...
    @property
    def region_pooling_param(self) -> RegionPoolingParameter: ...
    @property
    def roi_mask_pooling_param(self) -> ROIMaskPoolingParameter: ...
    @property
    def orn_param(self) -> ORNParameter: ...
    @property
    def tiling_param(self) -> TilingParameter: ...
    @property
    def local_param(self) -> LocalParameter: ...
    @property
    def bnhk_param(self) -> BNHKParameter: ...
    @property
    def batch_pool_param(self) -> BatchPoolParameter: ...
    @property
    def normalization_param(self) -> NormalizationParameter: ...
    @property
    def center_projection_param(self) -> CenterProjectionParameter: ...
    @property
    def insanity_param(self) -> InsanityParameter: ...
    @property
    def imresize_param(self) -> ImResizeParameter: ...
    @property
    def nms_param(self) -> NmsParameter: ...
    @property
    def st_param(self) -> SpatialTransformerParameter: ...
    @property
    def rotate_pooling_param(self) -> RotateROIPoolingParameter: ...
    @property
    def scalar_param(self) -> ScalarParameter: ...
    @property
    def deformable_convolution_param(self) -> ConvolutionParameter: ...
    @property
    def lstm_conv_param(self) -> RepeatedCompositeFieldContainer[LSTMConvolutionParameter]: ...
    @property
    def lstm_debug_param(self) -> LSTMDebugParameter: ...
    @property
    def brelu_param(self) -> BReLUParameter: ...
    @property
    def output_decay_param(self) -> OutputDecayParameter: ...
    @property
    def beam_search_param(self) -> BeamSearchParameter: ...
    @property
    def srnnformat_param(self) -> SRNNFormatParameter: ...
    @property
    def spatialtransformer_param(self) -> RightAnglesParameter: ...
    @property
    def rearrange_param(self) -> RearrangeParameter: ...
    @property
    def group_norm_param(self) -> GroupNormParameter: ...
    @property
    def roi_warping_param(self) -> ROIWarpingParameter: ...
    @property
    def mask_resize_param(self) -> MaskResizeParameter: ...
    @property
    def shuffle_channel_param(self) -> ShuffleChannelParameter: ...
    type_name: str
    def __init__(
        self,
        *,
        bottom: Iterable[str] = ...,
        top: Iterable[str] = ...,
        name: str = ...,
        include: Iterable[NetStateRule] = ...,
        exclude: Iterable[NetStateRule] = ...,
        type: int | str = ...,
        blobs: Iterable[BlobProto] = ...,
        param: Iterable[str] = ...,
        blob_share_mode: Iterable[int | str] = ...,
        blobs_lr: Iterable[float] = ...,
        weight_decay: Iterable[float] = ...,
        loss_weight: Iterable[float] = ...,
        accuracy_param: AccuracyParameter = ...,
        argmax_param: ArgMaxParameter = ...,
        concat_param: ConcatParameter = ...,
        contrastive_loss_param: ContrastiveLossParameter = ...,
        convolution_param: ConvolutionParameter = ...,
        data_param: DataParameter = ...,
        dropout_param: DropoutParameter = ...,
        dummy_data_param: DummyDataParameter = ...,
        eltwise_param: EltwiseParameter = ...,
        exp_param: ExpParameter = ...,
        hdf5_data_param: HDF5DataParameter = ...,
        hdf5_output_param: HDF5OutputParameter = ...,
        hinge_loss_param: HingeLossParameter = ...,
        image_data_param: ImageDataParameter = ...,
        infogain_loss_param: InfogainLossParameter = ...,
        inner_product_param: InnerProductParameter = ...,
        lrn_param: LRNParameter = ...,
        memory_data_param: MemoryDataParameter = ...,
        mvn_param: MVNParameter = ...,
        pooling_param: PoolingParameter = ...,
        power_param: PowerParameter = ...,
        relu_param: ReLUParameter = ...,
        sigmoid_param: SigmoidParameter = ...,
        softmax_param: SoftmaxParameter = ...,
        slice_param: SliceParameter = ...,
        tanh_param: TanHParameter = ...,
        threshold_param: ThresholdParameter = ...,
        window_data_param: WindowDataParameter = ...,
        transform_param: TransformationParameter = ...,
        loss_param: LossParameter = ...,
        layer: V0LayerParameter = ...,
        annotated_data_param: AnnotatedDataParameter = ...,
        detection_evaluate_param: DetectionEvaluateParameter = ...,
        detection_output_param: DetectionOutputParameter = ...,
        multibox_loss_param: MultiBoxLossParameter = ...,
        norm_param: NormalizeParameter = ...,
        permute_param: PermuteParameter = ...,
        prior_box_param: PriorBoxParameter = ...,
        bn_param: BNParameter = ...,
        dense_image_data_param: DenseImageDataParameter = ...,
        upsample_param: UpsampleParameter = ...,
        dense_crf_param: DenseCRFParameter = ...,
        interp_param: InterpParameter = ...,
        mat_read_param: MatReadParameter = ...,
        mat_write_param: MatWriteParameter = ...,
        seg_accuracy_param: SegAccuracyParameter = ...,
        multi_stage_meanfield_param: MultiStageMeanfieldParameter = ...,
        roi_pooling_param: ROIPoolingParameter = ...,
        smooth_l1_loss_param: SmoothL1LossParameter = ...,
        proposal_param: ProposalParameter = ...,
        psroi_pooling_param: PSROIPoolingParameter = ...,
        roi_align_param: ROIAlignParameter = ...,
        box_output_param: BoxOutputParameter = ...,
        box_group_output_param: BoxGroupOutputParameter = ...,
        bbox_reg_param: BBoxRegParameter = ...,
        decode_bbox_param: DecodeBBoxParameter = ...,
        frcnn_output_param: FrcnnOutputParameter = ...,
        scale_route_param: ScaleRouteParameter = ...,
        reorg_param: ReorgParameter = ...,
        yolo_detection_output_param: YoloDetectionOutputParameter = ...,
        yolov3_detection_output_param: Yolov3DetectionOutputParameter = ...,
        yolov3_param: Yolov3Parameter = ...,
        upsample_darknet_param: UpsampleDarknetParameter = ...,
        frcnn_param: FrcnnParameter = ...,
        psroi_align_param: PSROIAlignParameter = ...,
        rpn_param: RPNParameter = ...,
        roi_gen_param: RoiGenParameter = ...,
        roi_alignment_param: ROIAlignmentParameter = ...,
        quantization_param: QuantizationParameter = ...,
        expmax_param: ExpMaxParameter = ...,
        rand_comp_param: RandCompParameter = ...,
        periodic_shuffle_param: PeriodicShuffleParameter = ...,
        sparsify_param: SparsifyParameter = ...,
        gradient_scaler_param: GradientScalerParameter = ...,
        mil_param: MILParameter = ...,
        pooling_nd_param: PoolingNDParameter = ...,
        correlation_param: CorrelationParameter = ...,
        flow_warp_param: FlowWarpParameter = ...,
        resample_param: ResampleParameter = ...,
        downsample_param: DownsampleParameter = ...,
        accum_param: AccumParameter = ...,
        mean_param: MeanParameter = ...,
        augmentation_param: AugmentationParameter = ...,
        coeff_schedule_param: CoeffScheduleParameter = ...,
        l1_loss_param: L1LossParameter = ...,
        lpq_loss_param: LpqLossParameter = ...,
        convolution3d_param: Convolution3DParameter = ...,
        pooling3d_param: Pooling3DParameter = ...,
        video_data_param: VideoDataParameter = ...,
        squeeze_param: SqueezeParameter = ...,
        expand_dims_nd_param: ExpandDimsNDParameter = ...,
        pad_param: PadParameter = ...,
        depth_to_space_param: BlockSizeParameter = ...,
        space_to_depth_param: BlockSizeParameter = ...,
        space_to_batch_nd_param: SpaceToBatchNDParameter = ...,
        batch_to_space_nd_param: BatchToSpaceNDParameter = ...,
        resize_bilinear_param: ResizingParameter = ...,
        resize_nearest_neighbor_param: ResizingParameter = ...,
        hard_sigmoid_param: HardSigmoidParameter = ...,
        mul_param: MulParameter = ...,
        matmul_param: MatMulParameter = ...,
        layer_norm_param: LayerNormParameter = ...,
        transpose_param: BlobShape = ...,
        reverse_param: ReverseParameter = ...,
        padding_param: PaddingParameter = ...,
        flip_param: FlipParameter = ...,
        unpooling_param: UnpoolingParameter = ...,
        grn_param: GRNParameter = ...,
        lstm_param: LSTMParameter = ...,
        ctc_decoder_param: CTCDecoderParameter = ...,
        mergecrop_param: MergeCropParameter = ...,
        normalize_param: VectorNormalizeParameter = ...,
        inner_distance_param: InnerDistanceParameter = ...,
        label_specific_add_param: LabelSpecificAddParameter = ...,
        spatial_softmax_param: SpatialSoftmaxParameter = ...,
        mask_outputs_param: MaskOutputsParameter = ...,
        scale_tanh_param: ScaleTanHParameter = ...,
        continuation_indicator_param: ContinuationIndicatorParameter = ...,
        rrelu_param: RReLUParameter = ...,
        compact_bilinear_param: CompactBilinearParameter = ...,
        denseblock_param: DenseBlockParameter = ...,
        resize_param: ResizeLayerParameter = ...,
        gaterecurrent_param: GateRecurrentParameter = ...,
        crelu_param: CReLUParameter = ...,
        apl_param: APLParameter = ...,
        eltwise_affine_param: EltwiseAffineParameter = ...,
        guided_dropout_param: GuidedDropoutParameter = ...,
        region_param: RegionParameter = ...,
        region_yolo_param: RegionParameter = ...,
        reorg_yolo_param: ReorgYoloParameter = ...,
        pass_through_param: PassThroughParameter = ...,
        permutohedral_param: PermutohedralParameter = ...,
        pixel_feature_param: PixelFeatureParameter = ...,
        region_pooling_param: RegionPoolingParameter = ...,
        roi_mask_pooling_param: ROIMaskPoolingParameter = ...,
        orn_param: ORNParameter = ...,
        tiling_param: TilingParameter = ...,
        local_param: LocalParameter = ...,
        bnhk_param: BNHKParameter = ...,
        batch_pool_param: BatchPoolParameter = ...,
        normalization_param: NormalizationParameter = ...,
        center_projection_param: CenterProjectionParameter = ...,
        insanity_param: InsanityParameter = ...,
        imresize_param: ImResizeParameter = ...,
        nms_param: NmsParameter = ...,
        st_param: SpatialTransformerParameter = ...,
        rotate_pooling_param: RotateROIPoolingParameter = ...,
        scalar_param: ScalarParameter = ...,
        deformable_convolution_param: ConvolutionParameter = ...,
        lstm_conv_param: Iterable[LSTMConvolutionParameter] = ...,
        lstm_debug_param: LSTMDebugParameter = ...,
        brelu_param: BReLUParameter = ...,
        output_decay_param: OutputDecayParameter = ...,
        beam_search_param: BeamSearchParameter = ...,
        srnnformat_param: SRNNFormatParameter = ...,
        spatialtransformer_param: RightAnglesParameter = ...,
        rearrange_param: RearrangeParameter = ...,
        group_norm_param: GroupNormParameter = ...,
        roi_warping_param: ROIWarpingParameter = ...,
        mask_resize_param: MaskResizeParameter = ...,
        shuffle_channel_param: ShuffleChannelParameter = ...,
        type_name: str = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "name",
            "type",
            "accuracy_param",
            "argmax_param",
            "concat_param",
            "contrastive_loss_param",
            "convolution_param",
            "data_param",
            "dropout_param",
            "dummy_data_param",
            "eltwise_param",
            "exp_param",
            "hdf5_data_param",
            "hdf5_output_param",
            "hinge_loss_param",
            "image_data_param",
            "infogain_loss_param",
            "inner_product_param",
            "lrn_param",
            "memory_data_param",
            "mvn_param",
            "pooling_param",
            "power_param",
            "relu_param",
            "sigmoid_param",
            "softmax_param",
            "slice_param",
            "tanh_param",
            "threshold_param",
            "window_data_param",
            "transform_param",
            "loss_param",
            "layer",
            "annotated_data_param",
            "detection_evaluate_param",
            "detection_output_param",
            "multibox_loss_param",
            "norm_param",
            "permute_param",
            "prior_box_param",
            "bn_param",
            "dense_image_data_param",
            "upsample_param",
            "dense_crf_param",
            "interp_param",
            "mat_read_param",
            "mat_write_param",
            "seg_accuracy_param",
            "multi_stage_meanfield_param",
            "roi_pooling_param",
            "smooth_l1_loss_param",
            "proposal_param",
            "psroi_pooling_param",
            "roi_align_param",
            "box_output_param",
            "box_group_output_param",
            "bbox_reg_param",
            "decode_bbox_param",
            "frcnn_output_param",
            "scale_route_param",
            "reorg_param",
            "yolo_detection_output_param",
            "yolov3_detection_output_param",
            "yolov3_param",
            "upsample_darknet_param",
            "frcnn_param",
            "psroi_align_param",
            "rpn_param",
            "roi_gen_param",
            "roi_alignment_param",
            "quantization_param",
            "expmax_param",
            "rand_comp_param",
            "periodic_shuffle_param",
            "sparsify_param",
            "gradient_scaler_param",
            "mil_param",
            "pooling_nd_param",
            "correlation_param",
            "flow_warp_param",
            "resample_param",
            "downsample_param",
            "accum_param",
            "mean_param",
            "augmentation_param",
            "coeff_schedule_param",
            "l1_loss_param",
            "lpq_loss_param",
            "convolution3d_param",
            "pooling3d_param",
            "video_data_param",
            "squeeze_param",
            "expand_dims_nd_param",
            "pad_param",
            "depth_to_space_param",
            "space_to_depth_param",
            "space_to_batch_nd_param",
            "batch_to_space_nd_param",
            "resize_bilinear_param",
            "resize_nearest_neighbor_param",
            "hard_sigmoid_param",
            "mul_param",
            "matmul_param",
            "layer_norm_param",
            "transpose_param",
            "reverse_param",
            "padding_param",
            "flip_param",
            "unpooling_param",
            "grn_param",
            "lstm_param",
            "ctc_decoder_param",
            "mergecrop_param",
            "normalize_param",
            "inner_distance_param",
            "label_specific_add_param",
            "spatial_softmax_param",
            "mask_outputs_param",
            "scale_tanh_param",
            "continuation_indicator_param",
            "rrelu_param",
            "compact_bilinear_param",
            "denseblock_param",
            "resize_param",
            "gaterecurrent_param",
            "crelu_param",
            "apl_param",
            "eltwise_affine_param",
            "guided_dropout_param",
            "region_param",
            "region_yolo_param",
            "reorg_yolo_param",
            "pass_through_param",
            "permutohedral_param",
            "pixel_feature_param",
            "region_pooling_param",
            "roi_mask_pooling_param",
            "orn_param",
            "tiling_param",
            "local_param",
            "bnhk_param",
            "batch_pool_param",
            "normalization_param",
            "center_projection_param",
            "insanity_param",
            "imresize_param",
            "nms_param",
            "st_param",
            "rotate_pooling_param",
            "scalar_param",
            "deformable_convolution_param",
            "lstm_debug_param",
            "brelu_param",
            "output_decay_param",
            "beam_search_param",
            "srnnformat_param",
            "spatialtransformer_param",
            "rearrange_param",
            "group_norm_param",
            "roi_warping_param",
            "mask_resize_param",
            "shuffle_channel_param",
            "type_name",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "bottom",
            "top",
            "name",
            "include",
            "exclude",
            "type",
            "blobs",
            "param",
            "blob_share_mode",
            "blobs_lr",
            "weight_decay",
            "loss_weight",
            "accuracy_param",
            "argmax_param",
            "concat_param",
            "contrastive_loss_param",
            "convolution_param",
            "data_param",
            "dropout_param",
            "dummy_data_param",
            "eltwise_param",
            "exp_param",
            "hdf5_data_param",
            "hdf5_output_param",
            "hinge_loss_param",
            "image_data_param",
            "infogain_loss_param",
            "inner_product_param",
            "lrn_param",
            "memory_data_param",
            "mvn_param",
            "pooling_param",
            "power_param",
            "relu_param",
            "sigmoid_param",
            "softmax_param",
            "slice_param",
            "tanh_param",
            "threshold_param",
            "window_data_param",
            "transform_param",
            "loss_param",
            "layer",
            "annotated_data_param",
            "detection_evaluate_param",
            "detection_output_param",
            "multibox_loss_param",
            "norm_param",
            "permute_param",
            "prior_box_param",
            "bn_param",
            "dense_image_data_param",
            "upsample_param",
            "dense_crf_param",
            "interp_param",
            "mat_read_param",
            "mat_write_param",
            "seg_accuracy_param",
            "multi_stage_meanfield_param",
            "roi_pooling_param",
            "smooth_l1_loss_param",
            "proposal_param",
            "psroi_pooling_param",
            "roi_align_param",
            "box_output_param",
            "box_group_output_param",
            "bbox_reg_param",
            "decode_bbox_param",
            "frcnn_output_param",
            "scale_route_param",
            "reorg_param",
            "yolo_detection_output_param",
            "yolov3_detection_output_param",
            "yolov3_param",
            "upsample_darknet_param",
            "frcnn_param",
            "psroi_align_param",
            "rpn_param",
            "roi_gen_param",
            "roi_alignment_param",
            "quantization_param",
            "expmax_param",
            "rand_comp_param",
            "periodic_shuffle_param",
            "sparsify_param",
            "gradient_scaler_param",
            "mil_param",
            "pooling_nd_param",
            "correlation_param",
            "flow_warp_param",
            "resample_param",
            "downsample_param",
            "accum_param",
            "mean_param",
            "augmentation_param",
            "coeff_schedule_param",
            "l1_loss_param",
            "lpq_loss_param",
            "convolution3d_param",
            "pooling3d_param",
            "video_data_param",
            "squeeze_param",
            "expand_dims_nd_param",
            "pad_param",
            "depth_to_space_param",
            "space_to_depth_param",
            "space_to_batch_nd_param",
            "batch_to_space_nd_param",
            "resize_bilinear_param",
            "resize_nearest_neighbor_param",
            "hard_sigmoid_param",
            "mul_param",
            "matmul_param",
            "layer_norm_param",
            "transpose_param",
            "reverse_param",
            "padding_param",
            "flip_param",
            "unpooling_param",
            "grn_param",
            "lstm_param",
            "ctc_decoder_param",
            "mergecrop_param",
            "normalize_param",
            "inner_distance_param",
            "label_specific_add_param",
            "spatial_softmax_param",
            "mask_outputs_param",
            "scale_tanh_param",
            "continuation_indicator_param",
            "rrelu_param",
            "compact_bilinear_param",
            "denseblock_param",
            "resize_param",
            "gaterecurrent_param",
            "crelu_param",
            "apl_param",
            "eltwise_affine_param",
            "guided_dropout_param",
            "region_param",
            "region_yolo_param",
            "reorg_yolo_param",
            "pass_through_param",
            "permutohedral_param",
            "pixel_feature_param",
            "region_pooling_param",
            "roi_mask_pooling_param",
            "orn_param",
            "tiling_param",
            "local_param",
            "bnhk_param",
            "batch_pool_param",
            "normalization_param",
            "center_projection_param",
            "insanity_param",
            "imresize_param",
            "nms_param",
            "st_param",
            "rotate_pooling_param",
            "scalar_param",
            "deformable_convolution_param",
            "lstm_conv_param",
            "lstm_debug_param",
            "brelu_param",
            "output_decay_param",
            "beam_search_param",
            "srnnformat_param",
            "spatialtransformer_param",
            "rearrange_param",
            "group_norm_param",
            "roi_warping_param",
            "mask_resize_param",
            "shuffle_channel_param",
            "type_name",
        ],
    ) -> None: ...

class V0LayerParameter(Message):
    PoolMethod: Final[EnumTypeWrapper]
    MAX: Final = 0
    AVE: Final = 1
    STOCHASTIC: Final = 2
    name: str
    type: str
    num_output: int
    biasterm: bool
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    pad: int
    kernelsize: int
    group: int
    stride: int
    pool: int
    dropout_ratio: float
    local_size: int
    alpha: float
    beta: float
    k: float
    source: str
    scale: float
    meanfile: str
    batchsize: int
    cropsize: int
    mirror: bool
    @property
    def blobs(self) -> RepeatedCompositeFieldContainer[BlobProto]: ...
    @property
    def blobs_lr(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def weight_decay(self) -> RepeatedScalarFieldContainer[float]: ...
    rand_skip: int
    det_fg_threshold: float
    det_bg_threshold: float
    det_fg_fraction: float
    det_context_pad: int
    det_crop_mode: str
    new_num: int
    new_channels: int
    new_height: int
    new_width: int
    shuffle_images: bool
    concat_dim: int
    @property
    def hdf5_output_param(self) -> HDF5OutputParameter: ...
    def __init__(
        self,
        *,
        name: str = ...,
        type: str = ...,
        num_output: int = ...,
        biasterm: bool = ...,
        weight_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
        pad: int = ...,
        kernelsize: int = ...,
        group: int = ...,
        stride: int = ...,
        pool: int | str = ...,
        dropout_ratio: float = ...,
        local_size: int = ...,
        alpha: float = ...,
        beta: float = ...,
        k: float = ...,
        source: str = ...,
        scale: float = ...,
        meanfile: str = ...,
        batchsize: int = ...,
        cropsize: int = ...,
        mirror: bool = ...,
        blobs: Iterable[BlobProto] = ...,
        blobs_lr: Iterable[float] = ...,
        weight_decay: Iterable[float] = ...,
        rand_skip: int = ...,
        det_fg_threshold: float = ...,
        det_bg_threshold: float = ...,
        det_fg_fraction: float = ...,
        det_context_pad: int = ...,
        det_crop_mode: str = ...,
        new_num: int = ...,
        new_channels: int = ...,
        new_height: int = ...,
        new_width: int = ...,
        shuffle_images: bool = ...,
        concat_dim: int = ...,
        hdf5_output_param: HDF5OutputParameter = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "name",
            "type",
            "num_output",
            "biasterm",
            "weight_filler",
            "bias_filler",
            "pad",
            "kernelsize",
            "group",
            "stride",
            "pool",
            "dropout_ratio",
            "local_size",
            "alpha",
            "beta",
            "k",
            "source",
            "scale",
            "meanfile",
            "batchsize",
            "cropsize",
            "mirror",
            "rand_skip",
            "det_fg_threshold",
            "det_bg_threshold",
            "det_fg_fraction",
            "det_context_pad",
            "det_crop_mode",
            "new_num",
            "new_channels",
            "new_height",
            "new_width",
            "shuffle_images",
            "concat_dim",
            "hdf5_output_param",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "name",
            "type",
            "num_output",
            "biasterm",
            "weight_filler",
            "bias_filler",
            "pad",
            "kernelsize",
            "group",
            "stride",
            "pool",
            "dropout_ratio",
            "local_size",
            "alpha",
            "beta",
            "k",
            "source",
            "scale",
            "meanfile",
            "batchsize",
            "cropsize",
            "mirror",
            "blobs",
            "blobs_lr",
            "weight_decay",
            "rand_skip",
            "det_fg_threshold",
            "det_bg_threshold",
            "det_fg_fraction",
            "det_context_pad",
            "det_crop_mode",
            "new_num",
            "new_channels",
            "new_height",
            "new_width",
            "shuffle_images",
            "concat_dim",
            "hdf5_output_param",
        ],
    ) -> None: ...

class PReLUParameter(Message):
    @property
    def filler(self) -> FillerParameter: ...
    channel_shared: bool
    def __init__(self, *, filler: FillerParameter = ..., channel_shared: bool = ...) -> None: ...
    def HasField(self, field_name: Literal["filler", "channel_shared"]) -> bool: ...
    def ClearField(self, field_name: Literal["filler", "channel_shared"]) -> None: ...

class Sampler(Message):
    min_scale: float
    max_scale: float
    min_aspect_ratio: float
    max_aspect_ratio: float
    def __init__(
        self,
        *,
        min_scale: float = ...,
        max_scale: float = ...,
        min_aspect_ratio: float = ...,
        max_aspect_ratio: float = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["min_scale", "max_scale", "min_aspect_ratio", "max_aspect_ratio"]
    ) -> bool: ...
    def ClearField(
        self, field_name: Literal["min_scale", "max_scale", "min_aspect_ratio", "max_aspect_ratio"]
    ) -> None: ...

class SampleConstraint(Message):
    min_jaccard_overlap: float
    max_jaccard_overlap: float
    min_sample_coverage: float
    max_sample_coverage: float
    min_object_coverage: float
    max_object_coverage: float
    def __init__(
        self,
        *,
        min_jaccard_overlap: float = ...,
        max_jaccard_overlap: float = ...,
        min_sample_coverage: float = ...,
        max_sample_coverage: float = ...,
        min_object_coverage: float = ...,
        max_object_coverage: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "min_jaccard_overlap",
            "max_jaccard_overlap",
            "min_sample_coverage",
            "max_sample_coverage",
            "min_object_coverage",
            "max_object_coverage",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "min_jaccard_overlap",
            "max_jaccard_overlap",
            "min_sample_coverage",
            "max_sample_coverage",
            "min_object_coverage",
            "max_object_coverage",
        ],
    ) -> None: ...

class BatchSampler(Message):
    use_original_image: bool
    @property
    def sampler(self) -> Sampler: ...
    @property
    def sample_constraint(self) -> SampleConstraint: ...
    max_sample: int
    max_trials: int
    def __init__(
        self,
        *,
        use_original_image: bool = ...,
        sampler: Sampler = ...,
        sample_constraint: SampleConstraint = ...,
        max_sample: int = ...,
        max_trials: int = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["use_original_image", "sampler", "sample_constraint", "max_sample", "max_trials"]
    ) -> bool: ...
    def ClearField(
        self, field_name: Literal["use_original_image", "sampler", "sample_constraint", "max_sample", "max_trials"]
    ) -> None: ...

class EmitConstraint(Message):
    EmitType: Final[EnumTypeWrapper]
    CENTER: Final = 0
    MIN_OVERLAP: Final = 1
    emit_type: int
    emit_overlap: float
    def __init__(self, *, emit_type: int | str = ..., emit_overlap: float = ...) -> None: ...
    def HasField(self, field_name: Literal["emit_type", "emit_overlap"]) -> bool: ...
    def ClearField(self, field_name: Literal["emit_type", "emit_overlap"]) -> None: ...

class ResizeParameter(Message):
    Resize_mode: Final[EnumTypeWrapper]
    WARP: Final = 1
    FIT_SMALL_SIZE: Final = 2
    FIT_LARGE_SIZE_AND_PAD: Final = 3
    Pad_mode: Final[EnumTypeWrapper]
    CONSTANT: Final = 1
    MIRRORED: Final = 2
    REPEAT_NEAREST: Final = 3
    Interp_mode: Final[EnumTypeWrapper]
    LINEAR: Final = 1
    AREA: Final = 2
    NEAREST: Final = 3
    CUBIC: Final = 4
    LANCZOS4: Final = 5
    prob: float
    resize_mode: int
    height: int
    width: int
    height_scale: int
    width_scale: int
    pad_mode: int
    @property
    def pad_value(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def interp_mode(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(
        self,
        *,
        prob: float = ...,
        resize_mode: int | str = ...,
        height: int = ...,
        width: int = ...,
        height_scale: int = ...,
        width_scale: int = ...,
        pad_mode: int | str = ...,
        pad_value: Iterable[float] = ...,
        interp_mode: Iterable[int | str] = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["prob", "resize_mode", "height", "width", "height_scale", "width_scale", "pad_mode"]
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "prob",
            "resize_mode",
            "height",
            "width",
            "height_scale",
            "width_scale",
            "pad_mode",
            "pad_value",
            "interp_mode",
        ],
    ) -> None: ...

class SaltPepperParameter(Message):
    fraction: float
    @property
    def value(self) -> RepeatedScalarFieldContainer[float]: ...
    def __init__(self, *, fraction: float = ..., value: Iterable[float] = ...) -> None: ...
    def HasField(self, field_name: Literal["fraction"]) -> bool: ...
    def ClearField(self, field_name: Literal["fraction", "value"]) -> None: ...

class NoiseParameter(Message):
    prob: float
    hist_eq: bool
    inverse: bool
    decolorize: bool
    gauss_blur: bool
    jpeg: float
    posterize: bool
    erode: bool
    saltpepper: bool
    @property
    def saltpepper_param(self) -> SaltPepperParameter: ...
    clahe: bool
    convert_to_hsv: bool
    convert_to_lab: bool
    def __init__(
        self,
        *,
        prob: float = ...,
        hist_eq: bool = ...,
        inverse: bool = ...,
        decolorize: bool = ...,
        gauss_blur: bool = ...,
        jpeg: float = ...,
        posterize: bool = ...,
        erode: bool = ...,
        saltpepper: bool = ...,
        saltpepper_param: SaltPepperParameter = ...,
        clahe: bool = ...,
        convert_to_hsv: bool = ...,
        convert_to_lab: bool = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "prob",
            "hist_eq",
            "inverse",
            "decolorize",
            "gauss_blur",
            "jpeg",
            "posterize",
            "erode",
            "saltpepper",
            "saltpepper_param",
            "clahe",
            "convert_to_hsv",
            "convert_to_lab",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "prob",
            "hist_eq",
            "inverse",
            "decolorize",
            "gauss_blur",
            "jpeg",
            "posterize",
            "erode",
            "saltpepper",
            "saltpepper_param",
            "clahe",
            "convert_to_hsv",
            "convert_to_lab",
        ],
    ) -> None: ...

class DistortionParameter(Message):
    brightness_prob: float
    brightness_delta: float
    contrast_prob: float
    contrast_lower: float
    contrast_upper: float
    hue_prob: float
    hue_delta: float
    saturation_prob: float
    saturation_lower: float
    saturation_upper: float
    random_order_prob: float
    def __init__(
        self,
        *,
        brightness_prob: float = ...,
        brightness_delta: float = ...,
        contrast_prob: float = ...,
        contrast_lower: float = ...,
        contrast_upper: float = ...,
        hue_prob: float = ...,
        hue_delta: float = ...,
        saturation_prob: float = ...,
        saturation_lower: float = ...,
        saturation_upper: float = ...,
        random_order_prob: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "brightness_prob",
            "brightness_delta",
            "contrast_prob",
            "contrast_lower",
            "contrast_upper",
            "hue_prob",
            "hue_delta",
            "saturation_prob",
            "saturation_lower",
            "saturation_upper",
            "random_order_prob",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "brightness_prob",
            "brightness_delta",
            "contrast_prob",
            "contrast_lower",
            "contrast_upper",
            "hue_prob",
            "hue_delta",
            "saturation_prob",
            "saturation_lower",
            "saturation_upper",
            "random_order_prob",
        ],
    ) -> None: ...

class ExpansionParameter(Message):
    prob: float
    max_expand_ratio: float
    def __init__(self, *, prob: float = ..., max_expand_ratio: float = ...) -> None: ...
    def HasField(self, field_name: Literal["prob", "max_expand_ratio"]) -> bool: ...
    def ClearField(self, field_name: Literal["prob", "max_expand_ratio"]) -> None: ...

class AnnotatedDataParameter(Message):
    AnnotationType: Final[EnumTypeWrapper]
    BBOX: Final = 0
    @property
    def batch_sampler(self) -> RepeatedCompositeFieldContainer[BatchSampler]: ...
    label_map_file: str
    anno_type: int
    def __init__(
        self, *, batch_sampler: Iterable[BatchSampler] = ..., label_map_file: str = ..., anno_type: int | str = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["label_map_file", "anno_type"]) -> bool: ...
    def ClearField(self, field_name: Literal["batch_sampler", "label_map_file", "anno_type"]) -> None: ...

class DetectionEvaluateParameter(Message):
    num_classes: int
    background_label_id: int
    overlap_threshold: float
    evaluate_difficult_gt: bool
    name_size_file: str
    @property
    def resize_param(self) -> ResizeParameter: ...
    def __init__(
        self,
        *,
        num_classes: int = ...,
        background_label_id: int = ...,
        overlap_threshold: float = ...,
        evaluate_difficult_gt: bool = ...,
        name_size_file: str = ...,
        resize_param: ResizeParameter = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "num_classes",
            "background_label_id",
            "overlap_threshold",
            "evaluate_difficult_gt",
            "name_size_file",
            "resize_param",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "num_classes",
            "background_label_id",
            "overlap_threshold",
            "evaluate_difficult_gt",
            "name_size_file",
            "resize_param",
        ],
    ) -> None: ...

class NonMaximumSuppressionParameter(Message):
    nms_threshold: float
    top_k: int
    eta: float
    soft_nms: bool
    theta: float
    def __init__(
        self,
        *,
        nms_threshold: float = ...,
        top_k: int = ...,
        eta: float = ...,
        soft_nms: bool = ...,
        theta: float = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["nms_threshold", "top_k", "eta", "soft_nms", "theta"]) -> bool: ...
    def ClearField(self, field_name: Literal["nms_threshold", "top_k", "eta", "soft_nms", "theta"]) -> None: ...

class SaveOutputParameter(Message):
    output_directory: str
    output_name_prefix: str
    output_format: str
    label_map_file: str
    name_size_file: str
    num_test_image: int
    @property
    def resize_param(self) -> ResizeParameter: ...
    def __init__(
        self,
        *,
        output_directory: str = ...,
        output_name_prefix: str = ...,
        output_format: str = ...,
        label_map_file: str = ...,
        name_size_file: str = ...,
        num_test_image: int = ...,
        resize_param: ResizeParameter = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "output_directory",
            "output_name_prefix",
            "output_format",
            "label_map_file",
            "name_size_file",
            "num_test_image",
            "resize_param",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "output_directory",
            "output_name_prefix",
            "output_format",
            "label_map_file",
            "name_size_file",
            "num_test_image",
            "resize_param",
        ],
    ) -> None: ...

class DetectionOutputParameter(Message):
    num_classes: int
    share_location: bool
    background_label_id: int
    @property
    def nms_param(self) -> NonMaximumSuppressionParameter: ...
    @property
    def save_output_param(self) -> SaveOutputParameter: ...
    code_type: int
    variance_encoded_in_target: bool
    keep_top_k: int
    confidence_threshold: float
    visualize: bool
    visualize_threshold: float
    save_file: str
    use_polygon: bool
    objectness_score: float
    side: int
    num_box: int
    coords: int
    nms_threshold: float
    @property
    def biases(self) -> RepeatedScalarFieldContainer[float]: ...
    label_map_file: str
    normalized: bool
    input_height: int
    input_width: int
    ratio_permute: bool
    no_permute: bool
    nbottom: int
    arm_conf_no_concat: bool
    arm_loc_no_concat: bool
    tflite_detection: bool
    def __init__(
        self,
        *,
        num_classes: int = ...,
        share_location: bool = ...,
        background_label_id: int = ...,
        nms_param: NonMaximumSuppressionParameter = ...,
        save_output_param: SaveOutputParameter = ...,
        code_type: int | str = ...,
        variance_encoded_in_target: bool = ...,
        keep_top_k: int = ...,
        confidence_threshold: float = ...,
        visualize: bool = ...,
        visualize_threshold: float = ...,
        save_file: str = ...,
        use_polygon: bool = ...,
        objectness_score: float = ...,
        side: int = ...,
        num_box: int = ...,
        coords: int = ...,
        nms_threshold: float = ...,
        biases: Iterable[float] = ...,
        label_map_file: str = ...,
        normalized: bool = ...,
        input_height: int = ...,
        input_width: int = ...,
        ratio_permute: bool = ...,
        no_permute: bool = ...,
        nbottom: int = ...,
        arm_conf_no_concat: bool = ...,
        arm_loc_no_concat: bool = ...,
        tflite_detection: bool = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "num_classes",
            "share_location",
            "background_label_id",
            "nms_param",
            "save_output_param",
            "code_type",
            "variance_encoded_in_target",
            "keep_top_k",
            "confidence_threshold",
            "visualize",
            "visualize_threshold",
            "save_file",
            "use_polygon",
            "objectness_score",
            "side",
            "num_box",
            "coords",
            "nms_threshold",
            "label_map_file",
            "normalized",
            "input_height",
            "input_width",
            "ratio_permute",
            "no_permute",
            "nbottom",
            "arm_conf_no_concat",
            "arm_loc_no_concat",
            "tflite_detection",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "num_classes",
            "share_location",
            "background_label_id",
            "nms_param",
            "save_output_param",
            "code_type",
            "variance_encoded_in_target",
            "keep_top_k",
            "confidence_threshold",
            "visualize",
            "visualize_threshold",
            "save_file",
            "use_polygon",
            "objectness_score",
            "side",
            "num_box",
            "coords",
            "nms_threshold",
            "biases",
            "label_map_file",
            "normalized",
            "input_height",
            "input_width",
            "ratio_permute",
            "no_permute",
            "nbottom",
            "arm_conf_no_concat",
            "arm_loc_no_concat",
            "tflite_detection",
        ],
    ) -> None: ...

class MultiBoxLossParameter(Message):
    LocLossType: Final[EnumTypeWrapper]
    L2: Final = 0
    SMOOTH_L1: Final = 1
    ConfLossType: Final[EnumTypeWrapper]
    SOFTMAX: Final = 0
    LOGISTIC: Final = 1
    MatchType: Final[EnumTypeWrapper]
    BIPARTITE: Final = 0
    PER_PREDICTION: Final = 1
    MiningType: Final[EnumTypeWrapper]
    NONE: Final = 0
    MAX_NEGATIVE: Final = 1
    HARD_EXAMPLE: Final = 2
    loc_loss_type: int
    conf_loss_type: int
    loc_weight: float
    num_classes: int
    share_location: bool
    match_type: int
    overlap_threshold: float
    use_prior_for_matching: bool
    background_label_id: int
    use_difficult_gt: bool
    do_neg_mining: bool
    neg_pos_ratio: float
    neg_overlap: float
    code_type: int
    encode_variance_in_target: bool
    map_object_to_agnostic: bool
    ignore_cross_boundary_bbox: bool
    bp_inside: bool
    mining_type: int
    @property
    def nms_param(self) -> NonMaximumSuppressionParameter: ...
    sample_size: int
    use_prior_for_nms: bool
    ignore_difficult_gt: bool
    objectness_score: float
    def __init__(
        self,
        *,
        loc_loss_type: int | str = ...,
        conf_loss_type: int | str = ...,
        loc_weight: float = ...,
        num_classes: int = ...,
        share_location: bool = ...,
        match_type: int | str = ...,
        overlap_threshold: float = ...,
        use_prior_for_matching: bool = ...,
        background_label_id: int = ...,
        use_difficult_gt: bool = ...,
        do_neg_mining: bool = ...,
        neg_pos_ratio: float = ...,
        neg_overlap: float = ...,
        code_type: int | str = ...,
        encode_variance_in_target: bool = ...,
        map_object_to_agnostic: bool = ...,
        ignore_cross_boundary_bbox: bool = ...,
        bp_inside: bool = ...,
        mining_type: int | str = ...,
        nms_param: NonMaximumSuppressionParameter = ...,
        sample_size: int = ...,
        use_prior_for_nms: bool = ...,
        ignore_difficult_gt: bool = ...,
        objectness_score: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "loc_loss_type",
            "conf_loss_type",
            "loc_weight",
            "num_classes",
            "share_location",
            "match_type",
            "overlap_threshold",
            "use_prior_for_matching",
            "background_label_id",
            "use_difficult_gt",
            "do_neg_mining",
            "neg_pos_ratio",
            "neg_overlap",
            "code_type",
            "encode_variance_in_target",
            "map_object_to_agnostic",
            "ignore_cross_boundary_bbox",
            "bp_inside",
            "mining_type",
            "nms_param",
            "sample_size",
            "use_prior_for_nms",
            "ignore_difficult_gt",
            "objectness_score",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "loc_loss_type",
            "conf_loss_type",
            "loc_weight",
            "num_classes",
            "share_location",
            "match_type",
            "overlap_threshold",
            "use_prior_for_matching",
            "background_label_id",
            "use_difficult_gt",
            "do_neg_mining",
            "neg_pos_ratio",
            "neg_overlap",
            "code_type",
            "encode_variance_in_target",
            "map_object_to_agnostic",
            "ignore_cross_boundary_bbox",
            "bp_inside",
            "mining_type",
            "nms_param",
            "sample_size",
            "use_prior_for_nms",
            "ignore_difficult_gt",
            "objectness_score",
        ],
    ) -> None: ...

class NormalizeParameter(Message):
    across_spatial: bool
    @property
    def scale_filler(self) -> FillerParameter: ...
    channel_shared: bool
    eps: float
    fix_scale: bool
    def __init__(
        self,
        *,
        across_spatial: bool = ...,
        scale_filler: FillerParameter = ...,
        channel_shared: bool = ...,
        eps: float = ...,
        fix_scale: bool = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["across_spatial", "scale_filler", "channel_shared", "eps", "fix_scale"]
    ) -> bool: ...
    def ClearField(
        self, field_name: Literal["across_spatial", "scale_filler", "channel_shared", "eps", "fix_scale"]
    ) -> None: ...

class PermuteParameter(Message):
    @property
    def order(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(self, *, order: Iterable[int] = ...) -> None: ...
    def ClearField(self, field_name: Literal["order"]) -> None: ...

class PriorBoxParameter(Message):
    CodeType: Final[EnumTypeWrapper]
    CORNER: Final = 1
    CENTER_SIZE: Final = 2
    CORNER_SIZE: Final = 3
    @property
    def min_size(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def max_size(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def aspect_ratio(self) -> RepeatedScalarFieldContainer[float]: ...
    flip: bool
    clip: bool
    @property
    def variance(self) -> RepeatedScalarFieldContainer[float]: ...
    img_size: int
    img_h: int
    img_w: int
    step: float
    step_h: float
    step_w: float
    offset: float
    denser_prior_boxes: bool
    @property
    def width(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def height(self) -> RepeatedScalarFieldContainer[float]: ...
    faceboxes: bool
    no_sqrt: bool
    @property
    def box_width(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def box_height(self) -> RepeatedScalarFieldContainer[float]: ...
    tf: bool
    yx_order: bool
    keras: bool
    def __init__(
        self,
        *,
        min_size: Iterable[float] = ...,
        max_size: Iterable[float] = ...,
        aspect_ratio: Iterable[float] = ...,
        flip: bool = ...,
        clip: bool = ...,
        variance: Iterable[float] = ...,
        img_size: int = ...,
        img_h: int = ...,
        img_w: int = ...,
        step: float = ...,
        step_h: float = ...,
        step_w: float = ...,
        offset: float = ...,
        denser_prior_boxes: bool = ...,
        width: Iterable[float] = ...,
        height: Iterable[float] = ...,
        faceboxes: bool = ...,
        no_sqrt: bool = ...,
        box_width: Iterable[float] = ...,
        box_height: Iterable[float] = ...,
        tf: bool = ...,
        yx_order: bool = ...,
        keras: bool = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "flip",
            "clip",
            "img_size",
            "img_h",
            "img_w",
            "step",
            "step_h",
            "step_w",
            "offset",
            "denser_prior_boxes",
            "faceboxes",
            "no_sqrt",
            "tf",
            "yx_order",
            "keras",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "min_size",
            "max_size",
            "aspect_ratio",
            "flip",
            "clip",
            "variance",
            "img_size",
            "img_h",
            "img_w",
            "step",
            "step_h",
            "step_w",
            "offset",
            "denser_prior_boxes",
            "width",
            "height",
            "faceboxes",
            "no_sqrt",
            "box_width",
            "box_height",
            "tf",
            "yx_order",
            "keras",
        ],
    ) -> None: ...

class BNParameter(Message):
    BNMode: Final[EnumTypeWrapper]
    LEARN: Final = 0
    INFERENCE: Final = 1
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    bn_mode: int
    @property
    def scale_filler(self) -> FillerParameter: ...
    @property
    def shift_filler(self) -> FillerParameter: ...
    @property
    def slope_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    momentum: float
    eps: float
    frozen: bool
    engine: int
    icnet: bool
    var_eps: float
    moving_average: bool
    decay: float
    sync_forward: bool
    def __init__(
        self,
        *,
        bn_mode: int | str = ...,
        scale_filler: FillerParameter = ...,
        shift_filler: FillerParameter = ...,
        slope_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
        momentum: float = ...,
        eps: float = ...,
        frozen: bool = ...,
        engine: int | str = ...,
        icnet: bool = ...,
        var_eps: float = ...,
        moving_average: bool = ...,
        decay: float = ...,
        sync_forward: bool = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "bn_mode",
            "scale_filler",
            "shift_filler",
            "slope_filler",
            "bias_filler",
            "momentum",
            "eps",
            "frozen",
            "engine",
            "icnet",
            "var_eps",
            "moving_average",
            "decay",
            "sync_forward",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "bn_mode",
            "scale_filler",
            "shift_filler",
            "slope_filler",
            "bias_filler",
            "momentum",
            "eps",
            "frozen",
            "engine",
            "icnet",
            "var_eps",
            "moving_average",
            "decay",
            "sync_forward",
        ],
    ) -> None: ...

class DenseImageDataParameter(Message):
    source: str
    batch_size: int
    rand_skip: int
    shuffle: bool
    new_height: int
    new_width: int
    is_color: bool
    mean_file: str
    root_folder: str
    mirror: bool
    crop_width: int
    crop_height: int
    label_divide_factor: int
    def __init__(
        self,
        *,
        source: str = ...,
        batch_size: int = ...,
        rand_skip: int = ...,
        shuffle: bool = ...,
        new_height: int = ...,
        new_width: int = ...,
        is_color: bool = ...,
        mean_file: str = ...,
        root_folder: str = ...,
        mirror: bool = ...,
        crop_width: int = ...,
        crop_height: int = ...,
        label_divide_factor: int = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "source",
            "batch_size",
            "rand_skip",
            "shuffle",
            "new_height",
            "new_width",
            "is_color",
            "mean_file",
            "root_folder",
            "mirror",
            "crop_width",
            "crop_height",
            "label_divide_factor",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "source",
            "batch_size",
            "rand_skip",
            "shuffle",
            "new_height",
            "new_width",
            "is_color",
            "mean_file",
            "root_folder",
            "mirror",
            "crop_width",
            "crop_height",
            "label_divide_factor",
        ],
    ) -> None: ...

class UpsampleParameter(Message):
    scale: int
    scale_h: int
    scale_w: int
    pad_out_h: bool
    pad_out_w: bool
    upsample_h: int
    upsample_w: int
    def __init__(
        self,
        *,
        scale: int = ...,
        scale_h: int = ...,
        scale_w: int = ...,
        pad_out_h: bool = ...,
        pad_out_w: bool = ...,
        upsample_h: int = ...,
        upsample_w: int = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["scale", "scale_h", "scale_w", "pad_out_h", "pad_out_w", "upsample_h", "upsample_w"]
    ) -> bool: ...
    def ClearField(
        self, field_name: Literal["scale", "scale_h", "scale_w", "pad_out_h", "pad_out_w", "upsample_h", "upsample_w"]
    ) -> None: ...

class DenseCRFParameter(Message):
    max_iter: int
    @property
    def pos_xy_std(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def pos_w(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def bi_xy_std(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def bi_rgb_std(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def bi_w(self) -> RepeatedScalarFieldContainer[float]: ...
    output_probability: bool
    def __init__(
        self,
        *,
        max_iter: int = ...,
        pos_xy_std: Iterable[float] = ...,
        pos_w: Iterable[float] = ...,
        bi_xy_std: Iterable[float] = ...,
        bi_rgb_std: Iterable[float] = ...,
        bi_w: Iterable[float] = ...,
        output_probability: bool = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["max_iter", "output_probability"]) -> bool: ...
    def ClearField(
        self,
        field_name: Literal["max_iter", "pos_xy_std", "pos_w", "bi_xy_std", "bi_rgb_std", "bi_w", "output_probability"],
    ) -> None: ...

class InterpParameter(Message):
    height: int
    width: int
    zoom_factor: int
    shrink_factor: int
    pad_beg: int
    pad_end: int
    use_blob_size: bool
    def __init__(
        self,
        *,
        height: int = ...,
        width: int = ...,
        zoom_factor: int = ...,
        shrink_factor: int = ...,
        pad_beg: int = ...,
        pad_end: int = ...,
        use_blob_size: bool = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal["height", "width", "zoom_factor", "shrink_factor", "pad_beg", "pad_end", "use_blob_size"],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal["height", "width", "zoom_factor", "shrink_factor", "pad_beg", "pad_end", "use_blob_size"],
    ) -> None: ...

class MatReadParameter(Message):
    prefix: str
    source: str
    strip: int
    batch_size: int
    def __init__(self, *, prefix: str = ..., source: str = ..., strip: int = ..., batch_size: int = ...) -> None: ...
    def HasField(self, field_name: Literal["prefix", "source", "strip", "batch_size"]) -> bool: ...
    def ClearField(self, field_name: Literal["prefix", "source", "strip", "batch_size"]) -> None: ...

class MatWriteParameter(Message):
    prefix: str
    source: str
    strip: int
    period: int
    def __init__(self, *, prefix: str = ..., source: str = ..., strip: int = ..., period: int = ...) -> None: ...
    def HasField(self, field_name: Literal["prefix", "source", "strip", "period"]) -> bool: ...
    def ClearField(self, field_name: Literal["prefix", "source", "strip", "period"]) -> None: ...

class SegAccuracyParameter(Message):
    AccuracyMetric: Final[EnumTypeWrapper]
    PixelAccuracy: Final = 0
    ClassAccuracy: Final = 1
    PixelIOU: Final = 2
    metric: int
    @property
    def ignore_label(self) -> RepeatedScalarFieldContainer[int]: ...
    reset: bool
    def __init__(self, *, metric: int | str = ..., ignore_label: Iterable[int] = ..., reset: bool = ...) -> None: ...
    def HasField(self, field_name: Literal["metric", "reset"]) -> bool: ...
    def ClearField(self, field_name: Literal["metric", "ignore_label", "reset"]) -> None: ...

class MultiStageMeanfieldParameter(Message):
    Mode: Final[EnumTypeWrapper]
    POTTS: Final = 0
    compatibility_mode: int
    threshold: float
    theta_alpha: float
    theta_beta: float
    theta_gamma: float
    num_iterations: int
    spatial_filter_weight: float
    bilateral_filter_weight: float
    forced_spatial_filter_weight: float
    forced_bilateral_filter_weight: float
    detection_potentials_enabled: bool
    detection_dat_input_dir: str
    train_dataset_size: int
    detection_dat_check_enabled: bool
    detection_potentials_max_score: float
    detection_potentials_epsilon: float
    detection_x_weights_str: str
    detection_y_weights_str: str
    spatial_filter_weights_str: str
    bilateral_filter_weights_str: str
    ho_potentials_enabled: bool
    ho_dat_input_dir: str
    ho_w_param_str: str
    ho_num_layers: int
    ho_w2_param_str: str
    ho_w2_enabled: bool
    force_cpu: bool
    is_no_class_weights: bool
    spatial_filter_file: str
    bilateral_filter_file: str
    def __init__(
        self,
        *,
        compatibility_mode: int | str = ...,
        threshold: float = ...,
        theta_alpha: float = ...,
        theta_beta: float = ...,
        theta_gamma: float = ...,
        num_iterations: int = ...,
        spatial_filter_weight: float = ...,
        bilateral_filter_weight: float = ...,
        forced_spatial_filter_weight: float = ...,
        forced_bilateral_filter_weight: float = ...,
        detection_potentials_enabled: bool = ...,
        detection_dat_input_dir: str = ...,
        train_dataset_size: int = ...,
        detection_dat_check_enabled: bool = ...,
        detection_potentials_max_score: float = ...,
        detection_potentials_epsilon: float = ...,
        detection_x_weights_str: str = ...,
        detection_y_weights_str: str = ...,
        spatial_filter_weights_str: str = ...,
        bilateral_filter_weights_str: str = ...,
        ho_potentials_enabled: bool = ...,
        ho_dat_input_dir: str = ...,
        ho_w_param_str: str = ...,
        ho_num_layers: int = ...,
        ho_w2_param_str: str = ...,
        ho_w2_enabled: bool = ...,
        force_cpu: bool = ...,
        is_no_class_weights: bool = ...,
        spatial_filter_file: str = ...,
        bilateral_filter_file: str = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "compatibility_mode",
            "threshold",
            "theta_alpha",
            "theta_beta",
            "theta_gamma",
            "num_iterations",
            "spatial_filter_weight",
            "bilateral_filter_weight",
            "forced_spatial_filter_weight",
            "forced_bilateral_filter_weight",
            "detection_potentials_enabled",
            "detection_dat_input_dir",
            "train_dataset_size",
            "detection_dat_check_enabled",
            "detection_potentials_max_score",
            "detection_potentials_epsilon",
            "detection_x_weights_str",
            "detection_y_weights_str",
            "spatial_filter_weights_str",
            "bilateral_filter_weights_str",
            "ho_potentials_enabled",
            "ho_dat_input_dir",
            "ho_w_param_str",
            "ho_num_layers",
            "ho_w2_param_str",
            "ho_w2_enabled",
            "force_cpu",
            "is_no_class_weights",
            "spatial_filter_file",
            "bilateral_filter_file",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "compatibility_mode",
            "threshold",
            "theta_alpha",
            "theta_beta",
            "theta_gamma",
            "num_iterations",
            "spatial_filter_weight",
            "bilateral_filter_weight",
            "forced_spatial_filter_weight",
            "forced_bilateral_filter_weight",
            "detection_potentials_enabled",
            "detection_dat_input_dir",
            "train_dataset_size",
            "detection_dat_check_enabled",
            "detection_potentials_max_score",
            "detection_potentials_epsilon",
            "detection_x_weights_str",
            "detection_y_weights_str",
            "spatial_filter_weights_str",
            "bilateral_filter_weights_str",
            "ho_potentials_enabled",
            "ho_dat_input_dir",
            "ho_w_param_str",
            "ho_num_layers",
            "ho_w2_param_str",
            "ho_w2_enabled",
            "force_cpu",
            "is_no_class_weights",
            "spatial_filter_file",
            "bilateral_filter_file",
        ],
    ) -> None: ...

class ROIPoolingParameter(Message):
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    pad_ratio: float
    def __init__(
        self, *, pooled_h: int = ..., pooled_w: int = ..., spatial_scale: float = ..., pad_ratio: float = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["pooled_h", "pooled_w", "spatial_scale", "pad_ratio"]) -> bool: ...
    def ClearField(self, field_name: Literal["pooled_h", "pooled_w", "spatial_scale", "pad_ratio"]) -> None: ...

class SmoothL1LossParameter(Message):
    sigma: float
    def __init__(self, *, sigma: float = ...) -> None: ...
    def HasField(self, field_name: Literal["sigma"]) -> bool: ...
    def ClearField(self, field_name: Literal["sigma"]) -> None: ...

class ProposalParameter(Message):
    feat_stride: int
    base_size: int
    min_size: float
    @property
    def ratio(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def scale(self) -> RepeatedScalarFieldContainer[float]: ...
    pre_nms_topn: int
    post_nms_topn: int
    nms_thresh: float
    anchor_base_size: int
    anchor_scale: int
    anchor_ratio: int
    max_rois: int
    rpn_min_size: float
    rpn_nms_thresh: float
    def __init__(
        self,
        *,
        feat_stride: int = ...,
        base_size: int = ...,
        min_size: float = ...,
        ratio: Iterable[float] = ...,
        scale: Iterable[float] = ...,
        pre_nms_topn: int = ...,
        post_nms_topn: int = ...,
        nms_thresh: float = ...,
        anchor_base_size: int = ...,
        anchor_scale: int = ...,
        anchor_ratio: int = ...,
        max_rois: int = ...,
        rpn_min_size: float = ...,
        rpn_nms_thresh: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "feat_stride",
            "base_size",
            "min_size",
            "pre_nms_topn",
            "post_nms_topn",
            "nms_thresh",
            "anchor_base_size",
            "anchor_scale",
            "anchor_ratio",
            "max_rois",
            "rpn_min_size",
            "rpn_nms_thresh",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "feat_stride",
            "base_size",
            "min_size",
            "ratio",
            "scale",
            "pre_nms_topn",
            "post_nms_topn",
            "nms_thresh",
            "anchor_base_size",
            "anchor_scale",
            "anchor_ratio",
            "max_rois",
            "rpn_min_size",
            "rpn_nms_thresh",
        ],
    ) -> None: ...

class PSROIPoolingParameter(Message):
    spatial_scale: float
    output_dim: int
    group_size: int
    def __init__(self, *, spatial_scale: float = ..., output_dim: int = ..., group_size: int = ...) -> None: ...
    def HasField(self, field_name: Literal["spatial_scale", "output_dim", "group_size"]) -> bool: ...
    def ClearField(self, field_name: Literal["spatial_scale", "output_dim", "group_size"]) -> None: ...

class ROIAlignParameter(Message):
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    sampling_ratio: int
    def __init__(
        self, *, pooled_h: int = ..., pooled_w: int = ..., spatial_scale: float = ..., sampling_ratio: int = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["pooled_h", "pooled_w", "spatial_scale", "sampling_ratio"]) -> bool: ...
    def ClearField(self, field_name: Literal["pooled_h", "pooled_w", "spatial_scale", "sampling_ratio"]) -> None: ...

class BoxOutputParameter(Message):
    fg_thr: float
    iou_thr: float
    nms_type: str
    @property
    def field_h(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def field_w(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def downsample_rate(self) -> RepeatedScalarFieldContainer[int]: ...
    field_whr: float
    field_xyr: float
    max_nms_num: int
    max_post_nms_num: int
    min_size: float
    def __init__(
        self,
        *,
        fg_thr: float = ...,
        iou_thr: float = ...,
        nms_type: str = ...,
        field_h: Iterable[int] = ...,
        field_w: Iterable[int] = ...,
        downsample_rate: Iterable[int] = ...,
        field_whr: float = ...,
        field_xyr: float = ...,
        max_nms_num: int = ...,
        max_post_nms_num: int = ...,
        min_size: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "fg_thr", "iou_thr", "nms_type", "field_whr", "field_xyr", "max_nms_num", "max_post_nms_num", "min_size"
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "fg_thr",
            "iou_thr",
            "nms_type",
            "field_h",
            "field_w",
            "downsample_rate",
            "field_whr",
            "field_xyr",
            "max_nms_num",
            "max_post_nms_num",
            "min_size",
        ],
    ) -> None: ...

class BoxGroupParameter(Message):
    @property
    def field_h(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def field_w(self) -> RepeatedScalarFieldContainer[int]: ...
    stride: int
    def __init__(self, *, field_h: Iterable[int] = ..., field_w: Iterable[int] = ..., stride: int = ...) -> None: ...
    def HasField(self, field_name: Literal["stride"]) -> bool: ...
    def ClearField(self, field_name: Literal["field_h", "field_w", "stride"]) -> None: ...

class BoxGroupOutputParameter(Message):
    fg_thr: float
    iou_thr: float
    nms_type: str
    @property
    def box_group_param(self) -> RepeatedCompositeFieldContainer[BoxGroupParameter]: ...
    field_whr: float
    field_xyr: float
    max_nms_num: int
    max_post_nms_num: int
    min_size: float
    def __init__(
        self,
        *,
        fg_thr: float = ...,
        iou_thr: float = ...,
        nms_type: str = ...,
        box_group_param: Iterable[BoxGroupParameter] = ...,
        field_whr: float = ...,
        field_xyr: float = ...,
        max_nms_num: int = ...,
        max_post_nms_num: int = ...,
        min_size: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "fg_thr", "iou_thr", "nms_type", "field_whr", "field_xyr", "max_nms_num", "max_post_nms_num", "min_size"
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "fg_thr",
            "iou_thr",
            "nms_type",
            "box_group_param",
            "field_whr",
            "field_xyr",
            "max_nms_num",
            "max_post_nms_num",
            "min_size",
        ],
    ) -> None: ...

class BBoxRegParameter(Message):
    @property
    def bbox_mean(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def bbox_std(self) -> RepeatedScalarFieldContainer[float]: ...
    cls_aware: bool
    def __init__(
        self, *, bbox_mean: Iterable[float] = ..., bbox_std: Iterable[float] = ..., cls_aware: bool = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["cls_aware"]) -> bool: ...
    def ClearField(self, field_name: Literal["bbox_mean", "bbox_std", "cls_aware"]) -> None: ...

class DecodeBBoxParameter(Message):
    gt_iou_thr: float
    def __init__(self, *, gt_iou_thr: float = ...) -> None: ...
    def HasField(self, field_name: Literal["gt_iou_thr"]) -> bool: ...
    def ClearField(self, field_name: Literal["gt_iou_thr"]) -> None: ...

class FrcnnOutputParameter(Message):
    conf_thr: float
    iou_thr: float
    nms_type: str
    max_det_num: int
    @property
    def save_output_param(self) -> SaveOutputParameter: ...
    def __init__(
        self,
        *,
        conf_thr: float = ...,
        iou_thr: float = ...,
        nms_type: str = ...,
        max_det_num: int = ...,
        save_output_param: SaveOutputParameter = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["conf_thr", "iou_thr", "nms_type", "max_det_num", "save_output_param"]
    ) -> bool: ...
    def ClearField(
        self, field_name: Literal["conf_thr", "iou_thr", "nms_type", "max_det_num", "save_output_param"]
    ) -> None: ...

class ScaleRouteParameter(Message):
    low_scale: float
    high_scale: float
    def __init__(self, *, low_scale: float = ..., high_scale: float = ...) -> None: ...
    def HasField(self, field_name: Literal["low_scale", "high_scale"]) -> bool: ...
    def ClearField(self, field_name: Literal["low_scale", "high_scale"]) -> None: ...

class ReorgParameter(Message):
    stride: int
    reverse: bool
    def __init__(self, *, stride: int = ..., reverse: bool = ...) -> None: ...
    def HasField(self, field_name: Literal["stride", "reverse"]) -> bool: ...
    def ClearField(self, field_name: Literal["stride", "reverse"]) -> None: ...

class UpsampleDarknetParameter(Message):
    stride: int
    def __init__(self, *, stride: int = ...) -> None: ...
    def HasField(self, field_name: Literal["stride"]) -> bool: ...
    def ClearField(self, field_name: Literal["stride"]) -> None: ...

class YoloDetectionOutputParameter(Message):
    side: int
    num_classes: int
    num_box: int
    coords: int
    confidence_threshold: float
    nms_threshold: float
    @property
    def biases(self) -> RepeatedScalarFieldContainer[float]: ...
    label_map_file: str
    def __init__(
        self,
        *,
        side: int = ...,
        num_classes: int = ...,
        num_box: int = ...,
        coords: int = ...,
        confidence_threshold: float = ...,
        nms_threshold: float = ...,
        biases: Iterable[float] = ...,
        label_map_file: str = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "side", "num_classes", "num_box", "coords", "confidence_threshold", "nms_threshold", "label_map_file"
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "side",
            "num_classes",
            "num_box",
            "coords",
            "confidence_threshold",
            "nms_threshold",
            "biases",
            "label_map_file",
        ],
    ) -> None: ...

class Yolov3DetectionOutputParameter(Message):
    num_classes: int
    num_box: int
    confidence_threshold: float
    nms_threshold: float
    @property
    def biases(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def anchors_scale(self) -> RepeatedScalarFieldContainer[int]: ...
    mask_group_num: int
    @property
    def mask(self) -> RepeatedScalarFieldContainer[int]: ...
    gaussian_box: bool
    def __init__(
        self,
        *,
        num_classes: int = ...,
        num_box: int = ...,
        confidence_threshold: float = ...,
        nms_threshold: float = ...,
        biases: Iterable[float] = ...,
        anchors_scale: Iterable[int] = ...,
        mask_group_num: int = ...,
        mask: Iterable[int] = ...,
        gaussian_box: bool = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "num_classes", "num_box", "confidence_threshold", "nms_threshold", "mask_group_num", "gaussian_box"
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "num_classes",
            "num_box",
            "confidence_threshold",
            "nms_threshold",
            "biases",
            "anchors_scale",
            "mask_group_num",
            "mask",
            "gaussian_box",
        ],
    ) -> None: ...

class Yolov3Parameter(Message):
    IOU_LOSS: Final[EnumTypeWrapper]
    IOU: Final = 0
    GIOU: Final = 1
    MSE: Final = 2
    DIOU: Final = 3
    CIOU: Final = 4
    side: int
    num_class: int
    num: int
    object_scale: float
    class_scale: float
    noobject_scale: float
    coord_scale: float
    thresh: float
    anchors_scale: int
    @property
    def biases(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def mask(self) -> RepeatedScalarFieldContainer[int]: ...
    use_logic_gradient: bool
    use_focal_loss: bool
    iou_loss: int
    iou_normalizer: float
    iou_thresh: float
    max_delta: float
    accumulate: bool
    label_smooth_eps: float
    def __init__(
        self,
        *,
        side: int = ...,
        num_class: int = ...,
        num: int = ...,
        object_scale: float = ...,
        class_scale: float = ...,
        noobject_scale: float = ...,
        coord_scale: float = ...,
        thresh: float = ...,
        anchors_scale: int = ...,
        biases: Iterable[float] = ...,
        mask: Iterable[int] = ...,
        use_logic_gradient: bool = ...,
        use_focal_loss: bool = ...,
        iou_loss: int | str = ...,
        iou_normalizer: float = ...,
        iou_thresh: float = ...,
        max_delta: float = ...,
        accumulate: bool = ...,
        label_smooth_eps: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "side",
            "num_class",
            "num",
            "object_scale",
            "class_scale",
            "noobject_scale",
            "coord_scale",
            "thresh",
            "anchors_scale",
            "use_logic_gradient",
            "use_focal_loss",
            "iou_loss",
            "iou_normalizer",
            "iou_thresh",
            "max_delta",
            "accumulate",
            "label_smooth_eps",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "side",
            "num_class",
            "num",
            "object_scale",
            "class_scale",
            "noobject_scale",
            "coord_scale",
            "thresh",
            "anchors_scale",
            "biases",
            "mask",
            "use_logic_gradient",
            "use_focal_loss",
            "iou_loss",
            "iou_normalizer",
            "iou_thresh",
            "max_delta",
            "accumulate",
            "label_smooth_eps",
        ],
    ) -> None: ...

class ShuffleChannelParameter(Message):
    group: int
    def __init__(self, *, group: int = ...) -> None: ...
    def HasField(self, field_name: Literal["group"]) -> bool: ...
    def ClearField(self, field_name: Literal["group"]) -> None: ...

class CorrelationParameter(Message):
    CorrelationType: Final[EnumTypeWrapper]
    MULTIPLY: Final = 0
    SUBTRACT: Final = 1
    pad: int
    kernel_size: int
    max_displacement: int
    stride_1: int
    stride_2: int
    do_abs: bool
    single_direction: int
    correlation_type: int
    def __init__(
        self,
        *,
        pad: int = ...,
        kernel_size: int = ...,
        max_displacement: int = ...,
        stride_1: int = ...,
        stride_2: int = ...,
        do_abs: bool = ...,
        single_direction: int = ...,
        correlation_type: int | str = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "pad",
            "kernel_size",
            "max_displacement",
            "stride_1",
            "stride_2",
            "do_abs",
            "single_direction",
            "correlation_type",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "pad",
            "kernel_size",
            "max_displacement",
            "stride_1",
            "stride_2",
            "do_abs",
            "single_direction",
            "correlation_type",
        ],
    ) -> None: ...

class FlowWarpParameter(Message):
    FillParameter: Final[EnumTypeWrapper]
    ZERO: Final = 1
    NOT_A_NUMBER: Final = 2
    fill_value: int
    def __init__(self, *, fill_value: int | str = ...) -> None: ...
    def HasField(self, field_name: Literal["fill_value"]) -> bool: ...
    def ClearField(self, field_name: Literal["fill_value"]) -> None: ...

class ResampleParameter(Message):
    ResampleType: Final[EnumTypeWrapper]
    NEAREST: Final = 1
    LINEAR: Final = 2
    CUBIC: Final = 3
    AREA: Final = 4
    width: int
    height: int
    type: int
    antialias: bool
    factor: float
    def __init__(
        self, *, width: int = ..., height: int = ..., type: int | str = ..., antialias: bool = ..., factor: float = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["width", "height", "type", "antialias", "factor"]) -> bool: ...
    def ClearField(self, field_name: Literal["width", "height", "type", "antialias", "factor"]) -> None: ...

class DownsampleParameter(Message):
    top_height: int
    top_width: int
    def __init__(self, *, top_height: int = ..., top_width: int = ...) -> None: ...
    def HasField(self, field_name: Literal["top_height", "top_width"]) -> bool: ...
    def ClearField(self, field_name: Literal["top_height", "top_width"]) -> None: ...

class AccumParameter(Message):
    top_height: int
    top_width: int
    size_divisible_by: int
    have_reference: bool
    def __init__(
        self, *, top_height: int = ..., top_width: int = ..., size_divisible_by: int = ..., have_reference: bool = ...
    ) -> None: ...
    def HasField(
        self, field_name: Literal["top_height", "top_width", "size_divisible_by", "have_reference"]
    ) -> bool: ...
    def ClearField(
        self, field_name: Literal["top_height", "top_width", "size_divisible_by", "have_reference"]
    ) -> None: ...

class MeanParameter(Message):
    MeanOperation: Final[EnumTypeWrapper]
    ADD: Final = 1
    SUBTRACT: Final = 4
    operation: int
    file: str
    @property
    def value(self) -> RepeatedScalarFieldContainer[float]: ...
    mean_scale: float
    input_scale: float
    output_scale: float
    def __init__(
        self,
        *,
        operation: int | str = ...,
        file: str = ...,
        value: Iterable[float] = ...,
        mean_scale: float = ...,
        input_scale: float = ...,
        output_scale: float = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["operation", "file", "mean_scale", "input_scale", "output_scale"]
    ) -> bool: ...
    def ClearField(
        self, field_name: Literal["operation", "file", "value", "mean_scale", "input_scale", "output_scale"]
    ) -> None: ...

class AugmentationParameter(Message):
    max_multiplier: float
    augment_during_test: bool
    recompute_mean: int
    mean_per_pixel: bool
    @property
    def mean(self) -> RepeatedScalarFieldContainer[float]: ...
    crop_width: int
    crop_height: int
    def __init__(
        self,
        *,
        max_multiplier: float = ...,
        augment_during_test: bool = ...,
        recompute_mean: int = ...,
        mean_per_pixel: bool = ...,
        mean: Iterable[float] = ...,
        crop_width: int = ...,
        crop_height: int = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "max_multiplier", "augment_during_test", "recompute_mean", "mean_per_pixel", "crop_width", "crop_height"
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "max_multiplier",
            "augment_during_test",
            "recompute_mean",
            "mean_per_pixel",
            "mean",
            "crop_width",
            "crop_height",
        ],
    ) -> None: ...

class CoeffScheduleParameter(Message):
    half_life: float
    initial_coeff: float
    final_coeff: float
    def __init__(self, *, half_life: float = ..., initial_coeff: float = ..., final_coeff: float = ...) -> None: ...
    def HasField(self, field_name: Literal["half_life", "initial_coeff", "final_coeff"]) -> bool: ...
    def ClearField(self, field_name: Literal["half_life", "initial_coeff", "final_coeff"]) -> None: ...

class L1LossParameter(Message):
    l2_per_location: bool
    l2_prescale_by_channels: bool
    normalize_by_num_entries: bool
    epsilon: float
    plateau: float
    def __init__(
        self,
        *,
        l2_per_location: bool = ...,
        l2_prescale_by_channels: bool = ...,
        normalize_by_num_entries: bool = ...,
        epsilon: float = ...,
        plateau: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "l2_per_location", "l2_prescale_by_channels", "normalize_by_num_entries", "epsilon", "plateau"
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "l2_per_location", "l2_prescale_by_channels", "normalize_by_num_entries", "epsilon", "plateau"
        ],
    ) -> None: ...

class LpqLossParameter(Message):
    l2_prescale_by_channels: bool
    normalize_by_num_entries: bool
    p_epsilon: float
    q_epsilon: float
    @property
    def pq_episode_starts_at_iter(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def p(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def q(self) -> RepeatedScalarFieldContainer[float]: ...
    def __init__(
        self,
        *,
        l2_prescale_by_channels: bool = ...,
        normalize_by_num_entries: bool = ...,
        p_epsilon: float = ...,
        q_epsilon: float = ...,
        pq_episode_starts_at_iter: Iterable[int] = ...,
        p: Iterable[float] = ...,
        q: Iterable[float] = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["l2_prescale_by_channels", "normalize_by_num_entries", "p_epsilon", "q_epsilon"]
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "l2_prescale_by_channels",
            "normalize_by_num_entries",
            "p_epsilon",
            "q_epsilon",
            "pq_episode_starts_at_iter",
            "p",
            "q",
        ],
    ) -> None: ...

class Convolution3DParameter(Message):
    num_output: int
    bias_term: bool
    pad: int
    kernel_size: int
    group: int
    kernel_depth: int
    stride: int
    temporal_stride: int
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    filter_group: int
    temporal_pad: int
    def __init__(
        self,
        *,
        num_output: int = ...,
        bias_term: bool = ...,
        pad: int = ...,
        kernel_size: int = ...,
        group: int = ...,
        kernel_depth: int = ...,
        stride: int = ...,
        temporal_stride: int = ...,
        weight_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
        filter_group: int = ...,
        temporal_pad: int = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "num_output",
            "bias_term",
            "pad",
            "kernel_size",
            "group",
            "kernel_depth",
            "stride",
            "temporal_stride",
            "weight_filler",
            "bias_filler",
            "filter_group",
            "temporal_pad",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "num_output",
            "bias_term",
            "pad",
            "kernel_size",
            "group",
            "kernel_depth",
            "stride",
            "temporal_stride",
            "weight_filler",
            "bias_filler",
            "filter_group",
            "temporal_pad",
        ],
    ) -> None: ...

class Pooling3DParameter(Message):
    PoolMethod: Final[EnumTypeWrapper]
    MAX: Final = 0
    AVE: Final = 1
    STOCHASTIC: Final = 2
    pool: int
    kernel_size: int
    stride: int
    pad: int
    kernel_depth: int
    temporal_stride: int
    kernel_l: int
    stride_l: int
    pad_l: int
    def __init__(
        self,
        *,
        pool: int | str = ...,
        kernel_size: int = ...,
        stride: int = ...,
        pad: int = ...,
        kernel_depth: int = ...,
        temporal_stride: int = ...,
        kernel_l: int = ...,
        stride_l: int = ...,
        pad_l: int = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "pool", "kernel_size", "stride", "pad", "kernel_depth", "temporal_stride", "kernel_l", "stride_l", "pad_l"
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "pool", "kernel_size", "stride", "pad", "kernel_depth", "temporal_stride", "kernel_l", "stride_l", "pad_l"
        ],
    ) -> None: ...

class VideoDataParameter(Message):
    Modality: Final[EnumTypeWrapper]
    RGB: Final = 0
    FLOW: Final = 1
    crop_size: int
    new_height: int
    new_width: int
    new_length: int
    num_segments: int
    modality: int
    def __init__(
        self,
        *,
        crop_size: int = ...,
        new_height: int = ...,
        new_width: int = ...,
        new_length: int = ...,
        num_segments: int = ...,
        modality: int | str = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["crop_size", "new_height", "new_width", "new_length", "num_segments", "modality"]
    ) -> bool: ...
    def ClearField(
        self, field_name: Literal["crop_size", "new_height", "new_width", "new_length", "num_segments", "modality"]
    ) -> None: ...

class SqueezeParameter(Message):
    @property
    def axis(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(self, *, axis: Iterable[int] = ...) -> None: ...
    def ClearField(self, field_name: Literal["axis"]) -> None: ...

class ExpandDimsNDParameter(Message):
    @property
    def axis(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(self, *, axis: Iterable[int] = ...) -> None: ...
    def ClearField(self, field_name: Literal["axis"]) -> None: ...

class PadParameter(Message):
    @property
    def paddings(self) -> RepeatedScalarFieldContainer[int]: ...
    constant_values: float
    def __init__(self, *, paddings: Iterable[int] = ..., constant_values: float = ...) -> None: ...
    def HasField(self, field_name: Literal["constant_values"]) -> bool: ...
    def ClearField(self, field_name: Literal["paddings", "constant_values"]) -> None: ...

class BlockSizeParameter(Message):
    block_size: int
    data_format: str
    def __init__(self, *, block_size: int = ..., data_format: str = ...) -> None: ...
    def HasField(self, field_name: Literal["block_size", "data_format"]) -> bool: ...
    def ClearField(self, field_name: Literal["block_size", "data_format"]) -> None: ...

class SpaceToBatchNDParameter(Message):
    @property
    def block_shape(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def paddings(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(self, *, block_shape: Iterable[int] = ..., paddings: Iterable[int] = ...) -> None: ...
    def ClearField(self, field_name: Literal["block_shape", "paddings"]) -> None: ...

class BatchToSpaceNDParameter(Message):
    @property
    def block_shape(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def crops(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(self, *, block_shape: Iterable[int] = ..., crops: Iterable[int] = ...) -> None: ...
    def ClearField(self, field_name: Literal["block_shape", "crops"]) -> None: ...

class ResizingParameter(Message):
    align_corners: bool
    output_height: int
    output_width: int
    data_format: str
    scale_height: float
    scale_width: float
    half_pixel_centers: bool
    pytorch_half_pixel: bool
    half_pixel_onnx: bool
    def __init__(
        self,
        *,
        align_corners: bool = ...,
        output_height: int = ...,
        output_width: int = ...,
        data_format: str = ...,
        scale_height: float = ...,
        scale_width: float = ...,
        half_pixel_centers: bool = ...,
        pytorch_half_pixel: bool = ...,
        half_pixel_onnx: bool = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "align_corners",
            "output_height",
            "output_width",
            "data_format",
            "scale_height",
            "scale_width",
            "half_pixel_centers",
            "pytorch_half_pixel",
            "half_pixel_onnx",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "align_corners",
            "output_height",
            "output_width",
            "data_format",
            "scale_height",
            "scale_width",
            "half_pixel_centers",
            "pytorch_half_pixel",
            "half_pixel_onnx",
        ],
    ) -> None: ...

class HardSigmoidParameter(Message):
    alpha: float
    beta: float
    def __init__(self, *, alpha: float = ..., beta: float = ...) -> None: ...
    def HasField(self, field_name: Literal["alpha", "beta"]) -> bool: ...
    def ClearField(self, field_name: Literal["alpha", "beta"]) -> None: ...

class MulParameter(Message):
    @property
    def mul_shape(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(self, *, mul_shape: Iterable[int] = ...) -> None: ...
    def ClearField(self, field_name: Literal["mul_shape"]) -> None: ...

class MatMulParameter(Message):
    transpose_a: bool
    transpose_b: bool
    @property
    def blob_shape(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(
        self, *, transpose_a: bool = ..., transpose_b: bool = ..., blob_shape: Iterable[int] = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["transpose_a", "transpose_b"]) -> bool: ...
    def ClearField(self, field_name: Literal["transpose_a", "transpose_b", "blob_shape"]) -> None: ...

class LayerNormParameter(Message):
    eps: float
    elementwise_affine: bool
    def __init__(self, *, eps: float = ..., elementwise_affine: bool = ...) -> None: ...
    def HasField(self, field_name: Literal["eps", "elementwise_affine"]) -> bool: ...
    def ClearField(self, field_name: Literal["eps", "elementwise_affine"]) -> None: ...

class ReverseParameter(Message):
    @property
    def axis(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(self, *, axis: Iterable[int] = ...) -> None: ...
    def ClearField(self, field_name: Literal["axis"]) -> None: ...

class PaddingParameter(Message):
    pad_beg: int
    pad_end: int
    def __init__(self, *, pad_beg: int = ..., pad_end: int = ...) -> None: ...
    def HasField(self, field_name: Literal["pad_beg", "pad_end"]) -> bool: ...
    def ClearField(self, field_name: Literal["pad_beg", "pad_end"]) -> None: ...

class FlipParameter(Message):
    flip_width: bool
    flip_height: bool
    def __init__(self, *, flip_width: bool = ..., flip_height: bool = ...) -> None: ...
    def HasField(self, field_name: Literal["flip_width", "flip_height"]) -> bool: ...
    def ClearField(self, field_name: Literal["flip_width", "flip_height"]) -> None: ...

class ScaleTanHParameter(Message):
    init_scale: float
    step_size: int
    gamma: float
    power: float
    def __init__(
        self, *, init_scale: float = ..., step_size: int = ..., gamma: float = ..., power: float = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["init_scale", "step_size", "gamma", "power"]) -> bool: ...
    def ClearField(self, field_name: Literal["init_scale", "step_size", "gamma", "power"]) -> None: ...

class UnpoolingParameter(Message):
    UnpoolMethod: Final[EnumTypeWrapper]
    MAX: Final = 0
    AVE: Final = 1
    TILE: Final = 2
    unpool: int
    kernel_size: int
    stride: int
    pad: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    pad_h: int
    pad_w: int
    unpool_size: int
    unpool_h: int
    unpool_w: int
    def __init__(
        self,
        *,
        unpool: int | str = ...,
        kernel_size: int = ...,
        stride: int = ...,
        pad: int = ...,
        kernel_h: int = ...,
        kernel_w: int = ...,
        stride_h: int = ...,
        stride_w: int = ...,
        pad_h: int = ...,
        pad_w: int = ...,
        unpool_size: int = ...,
        unpool_h: int = ...,
        unpool_w: int = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "unpool",
            "kernel_size",
            "stride",
            "pad",
            "kernel_h",
            "kernel_w",
            "stride_h",
            "stride_w",
            "pad_h",
            "pad_w",
            "unpool_size",
            "unpool_h",
            "unpool_w",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "unpool",
            "kernel_size",
            "stride",
            "pad",
            "kernel_h",
            "kernel_w",
            "stride_h",
            "stride_w",
            "pad_h",
            "pad_w",
            "unpool_size",
            "unpool_h",
            "unpool_w",
        ],
    ) -> None: ...

class GRNParameter(Message):
    bias: float
    dummy_backward: bool
    def __init__(self, *, bias: float = ..., dummy_backward: bool = ...) -> None: ...
    def HasField(self, field_name: Literal["bias", "dummy_backward"]) -> bool: ...
    def ClearField(self, field_name: Literal["bias", "dummy_backward"]) -> None: ...

class LSTMParameter(Message):
    num_output: int
    clipping_threshold: float
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    batch_size: int
    num_cells: int
    bias_term: bool
    @property
    def input_weight_filler(self) -> FillerParameter: ...
    @property
    def input_gate_weight_filler(self) -> FillerParameter: ...
    @property
    def forget_gate_weight_filler(self) -> FillerParameter: ...
    @property
    def output_gate_weight_filler(self) -> FillerParameter: ...
    @property
    def input_bias_filler(self) -> FillerParameter: ...
    @property
    def input_gate_bias_filler(self) -> FillerParameter: ...
    @property
    def forget_gate_bias_filler(self) -> FillerParameter: ...
    @property
    def output_gate_bias_filler(self) -> FillerParameter: ...
    def __init__(
        self,
        *,
        num_output: int = ...,
        clipping_threshold: float = ...,
        weight_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
        batch_size: int = ...,
        num_cells: int = ...,
        bias_term: bool = ...,
        input_weight_filler: FillerParameter = ...,
        input_gate_weight_filler: FillerParameter = ...,
        forget_gate_weight_filler: FillerParameter = ...,
        output_gate_weight_filler: FillerParameter = ...,
        input_bias_filler: FillerParameter = ...,
        input_gate_bias_filler: FillerParameter = ...,
        forget_gate_bias_filler: FillerParameter = ...,
        output_gate_bias_filler: FillerParameter = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "num_output",
            "clipping_threshold",
            "weight_filler",
            "bias_filler",
            "batch_size",
            "num_cells",
            "bias_term",
            "input_weight_filler",
            "input_gate_weight_filler",
            "forget_gate_weight_filler",
            "output_gate_weight_filler",
            "input_bias_filler",
            "input_gate_bias_filler",
            "forget_gate_bias_filler",
            "output_gate_bias_filler",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "num_output",
            "clipping_threshold",
            "weight_filler",
            "bias_filler",
            "batch_size",
            "num_cells",
            "bias_term",
            "input_weight_filler",
            "input_gate_weight_filler",
            "forget_gate_weight_filler",
            "output_gate_weight_filler",
            "input_bias_filler",
            "input_gate_bias_filler",
            "forget_gate_bias_filler",
            "output_gate_bias_filler",
        ],
    ) -> None: ...

class CTCDecoderParameter(Message):
    blank_index: int
    ctc_merge_repeated: bool
    def __init__(self, *, blank_index: int = ..., ctc_merge_repeated: bool = ...) -> None: ...
    def HasField(self, field_name: Literal["blank_index", "ctc_merge_repeated"]) -> bool: ...
    def ClearField(self, field_name: Literal["blank_index", "ctc_merge_repeated"]) -> None: ...

class MergeCropParameter(Message):
    MergeOp: Final[EnumTypeWrapper]
    STACK: Final = 0
    ADD: Final = 1
    @property
    def forward(self) -> RepeatedScalarFieldContainer[bool]: ...
    @property
    def backward(self) -> RepeatedScalarFieldContainer[bool]: ...
    operation: int
    def __init__(
        self, *, forward: Iterable[bool] = ..., backward: Iterable[bool] = ..., operation: int | str = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["operation"]) -> bool: ...
    def ClearField(self, field_name: Literal["forward", "backward", "operation"]) -> None: ...

class VectorNormalizeParameter(Message):
    normalize_type: str
    fix_gradient: bool
    bp_norm: bool
    def __init__(self, *, normalize_type: str = ..., fix_gradient: bool = ..., bp_norm: bool = ...) -> None: ...
    def HasField(self, field_name: Literal["normalize_type", "fix_gradient", "bp_norm"]) -> bool: ...
    def ClearField(self, field_name: Literal["normalize_type", "fix_gradient", "bp_norm"]) -> None: ...

class InnerDistanceParameter(Message):
    num_output: int
    bias_term: bool
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    axis: int
    transpose: bool
    distance_type: str
    normalize: bool
    update_center_only: bool
    def __init__(
        self,
        *,
        num_output: int = ...,
        bias_term: bool = ...,
        weight_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
        axis: int = ...,
        transpose: bool = ...,
        distance_type: str = ...,
        normalize: bool = ...,
        update_center_only: bool = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "num_output",
            "bias_term",
            "weight_filler",
            "bias_filler",
            "axis",
            "transpose",
            "distance_type",
            "normalize",
            "update_center_only",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "num_output",
            "bias_term",
            "weight_filler",
            "bias_filler",
            "axis",
            "transpose",
            "distance_type",
            "normalize",
            "update_center_only",
        ],
    ) -> None: ...

class LabelSpecificAddParameter(Message):
    bias: float
    transform_test: bool
    bias_base: float
    bias_gamma: float
    bias_power: float
    bias_min: float
    bias_max: float
    iteration: int
    def __init__(
        self,
        *,
        bias: float = ...,
        transform_test: bool = ...,
        bias_base: float = ...,
        bias_gamma: float = ...,
        bias_power: float = ...,
        bias_min: float = ...,
        bias_max: float = ...,
        iteration: int = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "bias", "transform_test", "bias_base", "bias_gamma", "bias_power", "bias_min", "bias_max", "iteration"
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "bias", "transform_test", "bias_base", "bias_gamma", "bias_power", "bias_min", "bias_max", "iteration"
        ],
    ) -> None: ...

class SpatialSoftmaxParameter(Message):
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    engine: int
    temperature: float
    def __init__(self, *, engine: int | str = ..., temperature: float = ...) -> None: ...
    def HasField(self, field_name: Literal["engine", "temperature"]) -> bool: ...
    def ClearField(self, field_name: Literal["engine", "temperature"]) -> None: ...

class MaskOutputsParameter(Message):
    kernel_size: int
    def __init__(self, *, kernel_size: int = ...) -> None: ...
    def HasField(self, field_name: Literal["kernel_size"]) -> bool: ...
    def ClearField(self, field_name: Literal["kernel_size"]) -> None: ...

class ContinuationIndicatorParameter(Message):
    time_step: int
    batch_size: int
    axis: int
    def __init__(self, *, time_step: int = ..., batch_size: int = ..., axis: int = ...) -> None: ...
    def HasField(self, field_name: Literal["time_step", "batch_size", "axis"]) -> bool: ...
    def ClearField(self, field_name: Literal["time_step", "batch_size", "axis"]) -> None: ...

class RReLUParameter(Message):
    lb: float
    ub: float
    def __init__(self, *, lb: float = ..., ub: float = ...) -> None: ...
    def HasField(self, field_name: Literal["lb", "ub"]) -> bool: ...
    def ClearField(self, field_name: Literal["lb", "ub"]) -> None: ...

class ExpMaxParameter(Message):
    base: float
    scale: float
    shift: float
    def __init__(self, *, base: float = ..., scale: float = ..., shift: float = ...) -> None: ...
    def HasField(self, field_name: Literal["base", "scale", "shift"]) -> bool: ...
    def ClearField(self, field_name: Literal["base", "scale", "shift"]) -> None: ...

class RandCompParameter(Message):
    @property
    def compression_rate(self) -> RepeatedScalarFieldContainer[int]: ...
    pad: bool
    def __init__(self, *, compression_rate: Iterable[int] = ..., pad: bool = ...) -> None: ...
    def HasField(self, field_name: Literal["pad"]) -> bool: ...
    def ClearField(self, field_name: Literal["compression_rate", "pad"]) -> None: ...

class PeriodicShuffleParameter(Message):
    num_output: int
    group_size: int
    def __init__(self, *, num_output: int = ..., group_size: int = ...) -> None: ...
    def HasField(self, field_name: Literal["num_output", "group_size"]) -> bool: ...
    def ClearField(self, field_name: Literal["num_output", "group_size"]) -> None: ...

class SparsifyParameter(Message):
    thre: float
    coef: float
    def __init__(self, *, thre: float = ..., coef: float = ...) -> None: ...
    def HasField(self, field_name: Literal["thre", "coef"]) -> bool: ...
    def ClearField(self, field_name: Literal["thre", "coef"]) -> None: ...

class GradientScalerParameter(Message):
    lower_bound: float
    upper_bound: float
    alpha: float
    max_iter: float
    def __init__(
        self, *, lower_bound: float = ..., upper_bound: float = ..., alpha: float = ..., max_iter: float = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["lower_bound", "upper_bound", "alpha", "max_iter"]) -> bool: ...
    def ClearField(self, field_name: Literal["lower_bound", "upper_bound", "alpha", "max_iter"]) -> None: ...

class MILParameter(Message):
    MILType: Final[EnumTypeWrapper]
    MAX: Final = 0
    NOR: Final = 1
    type: int
    def __init__(self, *, type: int | str = ...) -> None: ...
    def HasField(self, field_name: Literal["type"]) -> bool: ...
    def ClearField(self, field_name: Literal["type"]) -> None: ...

class CompactBilinearParameter(Message):
    num_output: int
    sum_pool: bool
    def __init__(self, *, num_output: int = ..., sum_pool: bool = ...) -> None: ...
    def HasField(self, field_name: Literal["num_output", "sum_pool"]) -> bool: ...
    def ClearField(self, field_name: Literal["num_output", "sum_pool"]) -> None: ...

class DenseBlockParameter(Message):
    numTransition: int
    initChannel: int
    growthRate: int
    pad_h: int
    pad_w: int
    conv_verticalStride: int
    conv_horizentalStride: int
    filter_H: int
    filter_W: int
    @property
    def Filter_Filler(self) -> FillerParameter: ...
    @property
    def BN_Scaler_Filler(self) -> FillerParameter: ...
    @property
    def BN_Bias_Filler(self) -> FillerParameter: ...
    gpuIdx: int
    use_dropout: bool
    dropout_amount: float
    use_BC: bool
    BC_ultra_space_efficient: bool
    workspace_MB: int
    moving_average_fraction: float
    def __init__(
        self,
        *,
        numTransition: int = ...,
        initChannel: int = ...,
        growthRate: int = ...,
        pad_h: int = ...,
        pad_w: int = ...,
        conv_verticalStride: int = ...,
        conv_horizentalStride: int = ...,
        filter_H: int = ...,
        filter_W: int = ...,
        Filter_Filler: FillerParameter = ...,
        BN_Scaler_Filler: FillerParameter = ...,
        BN_Bias_Filler: FillerParameter = ...,
        gpuIdx: int = ...,
        use_dropout: bool = ...,
        dropout_amount: float = ...,
        use_BC: bool = ...,
        BC_ultra_space_efficient: bool = ...,
        workspace_MB: int = ...,
        moving_average_fraction: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "numTransition",
            "initChannel",
            "growthRate",
            "pad_h",
            "pad_w",
            "conv_verticalStride",
            "conv_horizentalStride",
            "filter_H",
            "filter_W",
            "Filter_Filler",
            "BN_Scaler_Filler",
            "BN_Bias_Filler",
            "gpuIdx",
            "use_dropout",
            "dropout_amount",
            "use_BC",
            "BC_ultra_space_efficient",
            "workspace_MB",
            "moving_average_fraction",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "numTransition",
            "initChannel",
            "growthRate",
            "pad_h",
            "pad_w",
            "conv_verticalStride",
            "conv_horizentalStride",
            "filter_H",
            "filter_W",
            "Filter_Filler",
            "BN_Scaler_Filler",
            "BN_Bias_Filler",
            "gpuIdx",
            "use_dropout",
            "dropout_amount",
            "use_BC",
            "BC_ultra_space_efficient",
            "workspace_MB",
            "moving_average_fraction",
        ],
    ) -> None: ...

class ResizeLayerParameter(Message):
    height: int
    width: int
    scale: float
    scale_x: float
    scale_y: float
    crop: float
    crop_x: float
    crop_y: float
    is_pyramid_test: bool
    out_height_scale: float
    out_width_scale: float
    def __init__(
        self,
        *,
        height: int = ...,
        width: int = ...,
        scale: float = ...,
        scale_x: float = ...,
        scale_y: float = ...,
        crop: float = ...,
        crop_x: float = ...,
        crop_y: float = ...,
        is_pyramid_test: bool = ...,
        out_height_scale: float = ...,
        out_width_scale: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "height",
            "width",
            "scale",
            "scale_x",
            "scale_y",
            "crop",
            "crop_x",
            "crop_y",
            "is_pyramid_test",
            "out_height_scale",
            "out_width_scale",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "height",
            "width",
            "scale",
            "scale_x",
            "scale_y",
            "crop",
            "crop_x",
            "crop_y",
            "is_pyramid_test",
            "out_height_scale",
            "out_width_scale",
        ],
    ) -> None: ...

class GateRecurrentParameter(Message):
    Active: Final[EnumTypeWrapper]
    LINEAR: Final = 0
    SIGMOID: Final = 1
    RELU: Final = 2
    TANH: Final = 3
    num_output: int
    use_bias: bool
    use_wx: bool
    use_wh: bool
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    horizontal: bool
    reverse: bool
    active: int
    bound_diff: float
    restrict_w: float
    restrict_g: float
    def __init__(
        self,
        *,
        num_output: int = ...,
        use_bias: bool = ...,
        use_wx: bool = ...,
        use_wh: bool = ...,
        weight_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
        horizontal: bool = ...,
        reverse: bool = ...,
        active: int | str = ...,
        bound_diff: float = ...,
        restrict_w: float = ...,
        restrict_g: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "num_output",
            "use_bias",
            "use_wx",
            "use_wh",
            "weight_filler",
            "bias_filler",
            "horizontal",
            "reverse",
            "active",
            "bound_diff",
            "restrict_w",
            "restrict_g",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "num_output",
            "use_bias",
            "use_wx",
            "use_wh",
            "weight_filler",
            "bias_filler",
            "horizontal",
            "reverse",
            "active",
            "bound_diff",
            "restrict_w",
            "restrict_g",
        ],
    ) -> None: ...

class CReLUParameter(Message):
    negative_slope: float
    concat_axis: int
    def __init__(self, *, negative_slope: float = ..., concat_axis: int = ...) -> None: ...
    def HasField(self, field_name: Literal["negative_slope", "concat_axis"]) -> bool: ...
    def ClearField(self, field_name: Literal["negative_slope", "concat_axis"]) -> None: ...

class APLParameter(Message):
    @property
    def slope_filler(self) -> FillerParameter: ...
    @property
    def offset_filler(self) -> FillerParameter: ...
    sums: int
    save_mem: bool
    def __init__(
        self,
        *,
        slope_filler: FillerParameter = ...,
        offset_filler: FillerParameter = ...,
        sums: int = ...,
        save_mem: bool = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["slope_filler", "offset_filler", "sums", "save_mem"]) -> bool: ...
    def ClearField(self, field_name: Literal["slope_filler", "offset_filler", "sums", "save_mem"]) -> None: ...

class EltwiseAffineParameter(Message):
    @property
    def slope_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    channel_shared: bool
    def __init__(
        self, *, slope_filler: FillerParameter = ..., bias_filler: FillerParameter = ..., channel_shared: bool = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["slope_filler", "bias_filler", "channel_shared"]) -> bool: ...
    def ClearField(self, field_name: Literal["slope_filler", "bias_filler", "channel_shared"]) -> None: ...

class GuidedDropoutParameter(Message):
    type: str
    guidance_threshold: float
    sigmoid_scaler: float
    def __init__(self, *, type: str = ..., guidance_threshold: float = ..., sigmoid_scaler: float = ...) -> None: ...
    def HasField(self, field_name: Literal["type", "guidance_threshold", "sigmoid_scaler"]) -> bool: ...
    def ClearField(self, field_name: Literal["type", "guidance_threshold", "sigmoid_scaler"]) -> None: ...

class RegionParameter(Message):
    coords: int
    classes: int
    num: int
    def __init__(self, *, coords: int = ..., classes: int = ..., num: int = ...) -> None: ...
    def HasField(self, field_name: Literal["coords", "classes", "num"]) -> bool: ...
    def ClearField(self, field_name: Literal["coords", "classes", "num"]) -> None: ...

class ReorgYoloParameter(Message):
    stride: int
    def __init__(self, *, stride: int = ...) -> None: ...
    def HasField(self, field_name: Literal["stride"]) -> bool: ...
    def ClearField(self, field_name: Literal["stride"]) -> None: ...

class PassThroughParameter(Message):
    num_output: int
    block_height: int
    block_width: int
    def __init__(self, *, num_output: int = ..., block_height: int = ..., block_width: int = ...) -> None: ...
    def HasField(self, field_name: Literal["num_output", "block_height", "block_width"]) -> bool: ...
    def ClearField(self, field_name: Literal["num_output", "block_height", "block_width"]) -> None: ...

class PermutohedralParameter(Message):
    NormType: Final[EnumTypeWrapper]
    AFTER: Final = 0
    SYMMETRIC: Final = 1
    OffsetType: Final[EnumTypeWrapper]
    FULL: Final = 0
    DIAG: Final = 1
    NONE: Final = 2
    num_output: int
    neighborhood_size: int
    @property
    def filter_filler(self) -> FillerParameter: ...
    repeated_init: bool
    bias_term: bool
    @property
    def bias_filler(self) -> FillerParameter: ...
    group: int
    norm_type: int
    offset_type: int
    visualize_lattice: bool
    do_skip_blur: bool
    def __init__(
        self,
        *,
        num_output: int = ...,
        neighborhood_size: int = ...,
        filter_filler: FillerParameter = ...,
        repeated_init: bool = ...,
        bias_term: bool = ...,
        bias_filler: FillerParameter = ...,
        group: int = ...,
        norm_type: int | str = ...,
        offset_type: int | str = ...,
        visualize_lattice: bool = ...,
        do_skip_blur: bool = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "num_output",
            "neighborhood_size",
            "filter_filler",
            "repeated_init",
            "bias_term",
            "bias_filler",
            "group",
            "norm_type",
            "offset_type",
            "visualize_lattice",
            "do_skip_blur",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "num_output",
            "neighborhood_size",
            "filter_filler",
            "repeated_init",
            "bias_term",
            "bias_filler",
            "group",
            "norm_type",
            "offset_type",
            "visualize_lattice",
            "do_skip_blur",
        ],
    ) -> None: ...

class PixelFeatureParameter(Message):
    Feature: Final[EnumTypeWrapper]
    POSITION: Final = 0
    POSITION_AND_RGB: Final = 1
    RGB_AND_POSITION: Final = 2
    RGB: Final = 3
    RANDOM_POSITION: Final = 4
    WARPED_POSITION: Final = 5
    NUM_RANDOM_POSITION: Final = 6
    RANDOM_ROTATE: Final = 7
    type: int
    rotation_angle: float
    pos_scale: float
    rotation_sigma: float
    num_random_pos: int
    offset_h: float
    offset_w: float
    color_scale: float
    def __init__(
        self,
        *,
        type: int | str = ...,
        rotation_angle: float = ...,
        pos_scale: float = ...,
        rotation_sigma: float = ...,
        num_random_pos: int = ...,
        offset_h: float = ...,
        offset_w: float = ...,
        color_scale: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "type",
            "rotation_angle",
            "pos_scale",
            "rotation_sigma",
            "num_random_pos",
            "offset_h",
            "offset_w",
            "color_scale",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "type",
            "rotation_angle",
            "pos_scale",
            "rotation_sigma",
            "num_random_pos",
            "offset_h",
            "offset_w",
            "color_scale",
        ],
    ) -> None: ...

class RegionPoolingParameter(Message):
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    offset: float
    def __init__(
        self, *, pooled_h: int = ..., pooled_w: int = ..., spatial_scale: float = ..., offset: float = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["pooled_h", "pooled_w", "spatial_scale", "offset"]) -> bool: ...
    def ClearField(self, field_name: Literal["pooled_h", "pooled_w", "spatial_scale", "offset"]) -> None: ...

class ROIMaskPoolingParameter(Message):
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    half_part: int
    roi_scale: float
    mask_scale: float
    spatial_shift: float
    def __init__(
        self,
        *,
        pooled_h: int = ...,
        pooled_w: int = ...,
        spatial_scale: float = ...,
        half_part: int = ...,
        roi_scale: float = ...,
        mask_scale: float = ...,
        spatial_shift: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "pooled_h", "pooled_w", "spatial_scale", "half_part", "roi_scale", "mask_scale", "spatial_shift"
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "pooled_h", "pooled_w", "spatial_scale", "half_part", "roi_scale", "mask_scale", "spatial_shift"
        ],
    ) -> None: ...

class ORNParameter(Message):
    orientations: int
    def __init__(self, *, orientations: int = ...) -> None: ...
    def HasField(self, field_name: Literal["orientations"]) -> bool: ...
    def ClearField(self, field_name: Literal["orientations"]) -> None: ...

class TilingParameter(Message):
    tile_dim: int
    def __init__(self, *, tile_dim: int = ...) -> None: ...
    def HasField(self, field_name: Literal["tile_dim"]) -> bool: ...
    def ClearField(self, field_name: Literal["tile_dim"]) -> None: ...

class LocalParameter(Message):
    num_output: int
    bias_term: bool
    pad: int
    kernel_size: int
    stride: int
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    def __init__(
        self,
        *,
        num_output: int = ...,
        bias_term: bool = ...,
        pad: int = ...,
        kernel_size: int = ...,
        stride: int = ...,
        weight_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal["num_output", "bias_term", "pad", "kernel_size", "stride", "weight_filler", "bias_filler"],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal["num_output", "bias_term", "pad", "kernel_size", "stride", "weight_filler", "bias_filler"],
    ) -> None: ...

class PoolingNDParameter(Message):
    PoolMethod: Final[EnumTypeWrapper]
    MAX: Final = 0
    AVE: Final = 1
    STOCHASTIC: Final = 2
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    pool: int
    @property
    def pad(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def kernel_size(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def stride(self) -> RepeatedScalarFieldContainer[int]: ...
    global_pooling: bool
    axis: int
    engine: int
    def __init__(
        self,
        *,
        pool: int | str = ...,
        pad: Iterable[int] = ...,
        kernel_size: Iterable[int] = ...,
        stride: Iterable[int] = ...,
        global_pooling: bool = ...,
        axis: int = ...,
        engine: int | str = ...,
    ) -> None: ...
    def HasField(self, field_name: Literal["pool", "global_pooling", "axis", "engine"]) -> bool: ...
    def ClearField(
        self, field_name: Literal["pool", "pad", "kernel_size", "stride", "global_pooling", "axis", "engine"]
    ) -> None: ...

class BNHKParameter(Message):
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    @property
    def slope_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    momentum: float
    eps: float
    frozen: bool
    engine: int
    def __init__(
        self,
        *,
        slope_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
        momentum: float = ...,
        eps: float = ...,
        frozen: bool = ...,
        engine: int | str = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["slope_filler", "bias_filler", "momentum", "eps", "frozen", "engine"]
    ) -> bool: ...
    def ClearField(
        self, field_name: Literal["slope_filler", "bias_filler", "momentum", "eps", "frozen", "engine"]
    ) -> None: ...

class BatchPoolParameter(Message):
    PoolMethod: Final[EnumTypeWrapper]
    MAX: Final = 0
    AVE: Final = 1
    STOCHASTIC: Final = 2
    pool: int
    def __init__(self, *, pool: int | str = ...) -> None: ...
    def HasField(self, field_name: Literal["pool"]) -> bool: ...
    def ClearField(self, field_name: Literal["pool"]) -> None: ...

class NormalizationParameter(Message):
    Norm: Final[EnumTypeWrapper]
    L1: Final = 1
    L2: Final = 2
    norm: int
    def __init__(self, *, norm: int | str = ...) -> None: ...
    def HasField(self, field_name: Literal["norm"]) -> bool: ...
    def ClearField(self, field_name: Literal["norm"]) -> None: ...

class CenterProjectionParameter(Message):
    num_output: int
    bias_term: bool
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    axis: int
    transpose: bool
    scale: float
    def __init__(
        self,
        *,
        num_output: int = ...,
        bias_term: bool = ...,
        weight_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
        axis: int = ...,
        transpose: bool = ...,
        scale: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal["num_output", "bias_term", "weight_filler", "bias_filler", "axis", "transpose", "scale"],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal["num_output", "bias_term", "weight_filler", "bias_filler", "axis", "transpose", "scale"],
    ) -> None: ...

class InsanityParameter(Message):
    lb: float
    ub: float
    def __init__(self, *, lb: float = ..., ub: float = ...) -> None: ...
    def HasField(self, field_name: Literal["lb", "ub"]) -> bool: ...
    def ClearField(self, field_name: Literal["lb", "ub"]) -> None: ...

class ImResizeParameter(Message):
    target_spatial_width: int
    target_spatial_height: int
    factor: float
    start_scale: float
    scale_gap: float
    def __init__(
        self,
        *,
        target_spatial_width: int = ...,
        target_spatial_height: int = ...,
        factor: float = ...,
        start_scale: float = ...,
        scale_gap: float = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["target_spatial_width", "target_spatial_height", "factor", "start_scale", "scale_gap"]
    ) -> bool: ...
    def ClearField(
        self, field_name: Literal["target_spatial_width", "target_spatial_height", "factor", "start_scale", "scale_gap"]
    ) -> None: ...

class NmsParameter(Message):
    threshold: float
    num_peak: int
    max_peaks: int
    num_parts: int
    def __init__(
        self, *, threshold: float = ..., num_peak: int = ..., max_peaks: int = ..., num_parts: int = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["threshold", "num_peak", "max_peaks", "num_parts"]) -> bool: ...
    def ClearField(self, field_name: Literal["threshold", "num_peak", "max_peaks", "num_parts"]) -> None: ...

class SpatialTransformerParameter(Message):
    transform_type: str
    sampler_type: str
    output_H: int
    output_W: int
    to_compute_dU: bool
    theta_1_1: float
    theta_1_2: float
    theta_1_3: float
    theta_2_1: float
    theta_2_2: float
    theta_2_3: float
    def __init__(
        self,
        *,
        transform_type: str = ...,
        sampler_type: str = ...,
        output_H: int = ...,
        output_W: int = ...,
        to_compute_dU: bool = ...,
        theta_1_1: float = ...,
        theta_1_2: float = ...,
        theta_1_3: float = ...,
        theta_2_1: float = ...,
        theta_2_2: float = ...,
        theta_2_3: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "transform_type",
            "sampler_type",
            "output_H",
            "output_W",
            "to_compute_dU",
            "theta_1_1",
            "theta_1_2",
            "theta_1_3",
            "theta_2_1",
            "theta_2_2",
            "theta_2_3",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "transform_type",
            "sampler_type",
            "output_H",
            "output_W",
            "to_compute_dU",
            "theta_1_1",
            "theta_1_2",
            "theta_1_3",
            "theta_2_1",
            "theta_2_2",
            "theta_2_3",
        ],
    ) -> None: ...

class RotateROIPoolingParameter(Message):
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    def __init__(self, *, pooled_h: int = ..., pooled_w: int = ..., spatial_scale: float = ...) -> None: ...
    def HasField(self, field_name: Literal["pooled_h", "pooled_w", "spatial_scale"]) -> bool: ...
    def ClearField(self, field_name: Literal["pooled_h", "pooled_w", "spatial_scale"]) -> None: ...

class ScalarParameter(Message):
    axis: int
    def __init__(self, *, axis: int = ...) -> None: ...
    def HasField(self, field_name: Literal["axis"]) -> bool: ...
    def ClearField(self, field_name: Literal["axis"]) -> None: ...

class LSTMConvolutionParameter(Message):
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    num_output: int
    bias_term: bool
    @property
    def pad(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def kernel_size(self) -> RepeatedScalarFieldContainer[int]: ...
    group: int
    @property
    def stride(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def weight_filler(self) -> FillerParameter: ...
    @property
    def bias_filler(self) -> FillerParameter: ...
    engine: int
    @property
    def dilation(self) -> RepeatedScalarFieldContainer[int]: ...
    force_nd_im2col: bool
    type: str
    def __init__(
        self,
        *,
        num_output: int = ...,
        bias_term: bool = ...,
        pad: Iterable[int] = ...,
        kernel_size: Iterable[int] = ...,
        group: int = ...,
        stride: Iterable[int] = ...,
        weight_filler: FillerParameter = ...,
        bias_filler: FillerParameter = ...,
        engine: int | str = ...,
        dilation: Iterable[int] = ...,
        force_nd_im2col: bool = ...,
        type: str = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "num_output", "bias_term", "group", "weight_filler", "bias_filler", "engine", "force_nd_im2col", "type"
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "num_output",
            "bias_term",
            "pad",
            "kernel_size",
            "group",
            "stride",
            "weight_filler",
            "bias_filler",
            "engine",
            "dilation",
            "force_nd_im2col",
            "type",
        ],
    ) -> None: ...

class LSTMDebugParameter(Message):
    @property
    def expose(self) -> RepeatedScalarFieldContainer[str]: ...
    disable_hadamard: bool
    axis_hadamard: int
    num_axes_hadamard: int
    ignore_x: bool
    def __init__(
        self,
        *,
        expose: Iterable[str] = ...,
        disable_hadamard: bool = ...,
        axis_hadamard: int = ...,
        num_axes_hadamard: int = ...,
        ignore_x: bool = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["disable_hadamard", "axis_hadamard", "num_axes_hadamard", "ignore_x"]
    ) -> bool: ...
    def ClearField(
        self, field_name: Literal["expose", "disable_hadamard", "axis_hadamard", "num_axes_hadamard", "ignore_x"]
    ) -> None: ...

class BReLUParameter(Message):
    Engine: Final[EnumTypeWrapper]
    DEFAULT: Final = 0
    CAFFE: Final = 1
    CUDNN: Final = 2
    minval: float
    maxval: float
    engine: int
    def __init__(self, *, minval: float = ..., maxval: float = ..., engine: int | str = ...) -> None: ...
    def HasField(self, field_name: Literal["minval", "maxval", "engine"]) -> bool: ...
    def ClearField(self, field_name: Literal["minval", "maxval", "engine"]) -> None: ...

class OutputDecayParameter(Message):
    regularization_type: str
    output_decay: float
    def __init__(self, *, regularization_type: str = ..., output_decay: float = ...) -> None: ...
    def HasField(self, field_name: Literal["regularization_type", "output_decay"]) -> bool: ...
    def ClearField(self, field_name: Literal["regularization_type", "output_decay"]) -> None: ...

class BeamSearchParameter(Message):
    beam_size: int
    end_of_sequence: int
    ignore_label: int
    prevent_repeats: bool
    @property
    def allowed_multiple(self) -> RepeatedScalarFieldContainer[int]: ...
    def __init__(
        self,
        *,
        beam_size: int = ...,
        end_of_sequence: int = ...,
        ignore_label: int = ...,
        prevent_repeats: bool = ...,
        allowed_multiple: Iterable[int] = ...,
    ) -> None: ...
    def HasField(
        self, field_name: Literal["beam_size", "end_of_sequence", "ignore_label", "prevent_repeats"]
    ) -> bool: ...
    def ClearField(
        self, field_name: Literal["beam_size", "end_of_sequence", "ignore_label", "prevent_repeats", "allowed_multiple"]
    ) -> None: ...

class SRNNFormatParameter(Message):
    Operation: Final[EnumTypeWrapper]
    FORMAT: Final = 0
    UNFORMAT: Final = 1
    operation: int
    def __init__(self, *, operation: int | str = ...) -> None: ...
    def HasField(self, field_name: Literal["operation"]) -> bool: ...
    def ClearField(self, field_name: Literal["operation"]) -> None: ...

class RightAnglesParameter(Message):
    Rotate: Final[EnumTypeWrapper]
    NOROTATE: Final = 0
    ROTATE90: Final = 1
    ROTATE180: Final = 2
    ROTATE270: Final = 3
    Operation: Final[EnumTypeWrapper]
    TRANSFORM: Final = 0
    UNTRANSFORM: Final = 1
    mirror: bool
    rotate: int
    operation: int
    def __init__(self, *, mirror: bool = ..., rotate: int | str = ..., operation: int | str = ...) -> None: ...
    def HasField(self, field_name: Literal["mirror", "rotate", "operation"]) -> bool: ...
    def ClearField(self, field_name: Literal["mirror", "rotate", "operation"]) -> None: ...

class RearrangeParameter(Message):
    depth: int
    def __init__(self, *, depth: int = ...) -> None: ...
    def HasField(self, field_name: Literal["depth"]) -> bool: ...
    def ClearField(self, field_name: Literal["depth"]) -> None: ...

class ROIWarpingParameter(Message):
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    def __init__(self, *, pooled_h: int = ..., pooled_w: int = ..., spatial_scale: float = ...) -> None: ...
    def HasField(self, field_name: Literal["pooled_h", "pooled_w", "spatial_scale"]) -> bool: ...
    def ClearField(self, field_name: Literal["pooled_h", "pooled_w", "spatial_scale"]) -> None: ...

class MaskResizeParameter(Message):
    output_height: int
    output_width: int
    def __init__(self, *, output_height: int = ..., output_width: int = ...) -> None: ...
    def HasField(self, field_name: Literal["output_height", "output_width"]) -> bool: ...
    def ClearField(self, field_name: Literal["output_height", "output_width"]) -> None: ...

class GroupNormParameter(Message):
    eps: float
    group_num: int
    def __init__(self, *, eps: float = ..., group_num: int = ...) -> None: ...
    def HasField(self, field_name: Literal["eps", "group_num"]) -> bool: ...
    def ClearField(self, field_name: Literal["eps", "group_num"]) -> None: ...

class FrcnnParameter(Message):
    @property
    def anchors(self) -> RepeatedScalarFieldContainer[float]: ...
    feat_stride: int
    test_rpn_nms_thresh: float
    test_rpn_pre_nms_top_n: int
    test_rpn_post_nms_top_n: int
    test_rpn_min_size: float
    def __init__(
        self,
        *,
        anchors: Iterable[float] = ...,
        feat_stride: int = ...,
        test_rpn_nms_thresh: float = ...,
        test_rpn_pre_nms_top_n: int = ...,
        test_rpn_post_nms_top_n: int = ...,
        test_rpn_min_size: float = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "feat_stride",
            "test_rpn_nms_thresh",
            "test_rpn_pre_nms_top_n",
            "test_rpn_post_nms_top_n",
            "test_rpn_min_size",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "anchors",
            "feat_stride",
            "test_rpn_nms_thresh",
            "test_rpn_pre_nms_top_n",
            "test_rpn_post_nms_top_n",
            "test_rpn_min_size",
        ],
    ) -> None: ...

class PSROIAlignParameter(Message):
    spatial_scale: float
    output_dim: int
    group_size: int
    sample_num: int
    def __init__(
        self, *, spatial_scale: float = ..., output_dim: int = ..., group_size: int = ..., sample_num: int = ...
    ) -> None: ...
    def HasField(self, field_name: Literal["spatial_scale", "output_dim", "group_size", "sample_num"]) -> bool: ...
    def ClearField(self, field_name: Literal["spatial_scale", "output_dim", "group_size", "sample_num"]) -> None: ...

class RPNParameter(Message):
    feat_stride: int
    basesize: int
    @property
    def scale(self) -> RepeatedScalarFieldContainer[int]: ...
    @property
    def ratio(self) -> RepeatedScalarFieldContainer[float]: ...
    boxminsize: int
    nms_thresh: float
    per_nms_topn: int
    post_nms_topn: int
    def __init__(
        self,
        *,
        feat_stride: int = ...,
        basesize: int = ...,
        scale: Iterable[int] = ...,
        ratio: Iterable[float] = ...,
        boxminsize: int = ...,
        nms_thresh: float = ...,
        per_nms_topn: int = ...,
        post_nms_topn: int = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal["feat_stride", "basesize", "boxminsize", "nms_thresh", "per_nms_topn", "post_nms_topn"],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "feat_stride", "basesize", "scale", "ratio", "boxminsize", "nms_thresh", "per_nms_topn", "post_nms_topn"
        ],
    ) -> None: ...

class QuantizationParameter(Message):
    Precision: Final[EnumTypeWrapper]
    DYNAMIC_FIXED_POINT: Final = 0
    MINIFLOAT: Final = 1
    INTEGER_POWER_OF_2_WEIGHTS: Final = 2
    Rounding: Final[EnumTypeWrapper]
    NEAREST: Final = 0
    STOCHASTIC: Final = 1
    precision: int
    rounding_scheme: int
    bw_layer_in: int
    bw_layer_out: int
    bw_params: int
    fl_layer_in: int
    fl_layer_out: int
    fl_params: int
    mant_bits: int
    exp_bits: int
    exp_min: int
    exp_max: int
    def __init__(
        self,
        *,
        precision: int | str = ...,
        rounding_scheme: int | str = ...,
        bw_layer_in: int = ...,
        bw_layer_out: int = ...,
        bw_params: int = ...,
        fl_layer_in: int = ...,
        fl_layer_out: int = ...,
        fl_params: int = ...,
        mant_bits: int = ...,
        exp_bits: int = ...,
        exp_min: int = ...,
        exp_max: int = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal[
            "precision",
            "rounding_scheme",
            "bw_layer_in",
            "bw_layer_out",
            "bw_params",
            "fl_layer_in",
            "fl_layer_out",
            "fl_params",
            "mant_bits",
            "exp_bits",
            "exp_min",
            "exp_max",
        ],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "precision",
            "rounding_scheme",
            "bw_layer_in",
            "bw_layer_out",
            "bw_params",
            "fl_layer_in",
            "fl_layer_out",
            "fl_params",
            "mant_bits",
            "exp_bits",
            "exp_min",
            "exp_max",
        ],
    ) -> None: ...

class RoiGenParameter(Message):
    num_class: int
    num_object: int
    num_coord: int
    prop_num: int
    softmax: bool
    @property
    def anchor_x(self) -> RepeatedScalarFieldContainer[float]: ...
    @property
    def anchor_y(self) -> RepeatedScalarFieldContainer[float]: ...
    thresh: float
    net_w: int
    net_h: int
    def __init__(
        self,
        *,
        num_class: int = ...,
        num_object: int = ...,
        num_coord: int = ...,
        prop_num: int = ...,
        softmax: bool = ...,
        anchor_x: Iterable[float] = ...,
        anchor_y: Iterable[float] = ...,
        thresh: float = ...,
        net_w: int = ...,
        net_h: int = ...,
    ) -> None: ...
    def HasField(
        self,
        field_name: Literal["num_class", "num_object", "num_coord", "prop_num", "softmax", "thresh", "net_w", "net_h"],
    ) -> bool: ...
    def ClearField(
        self,
        field_name: Literal[
            "num_class",
            "num_object",
            "num_coord",
            "prop_num",
            "softmax",
            "anchor_x",
            "anchor_y",
            "thresh",
            "net_w",
            "net_h",
        ],
    ) -> None: ...

class ROIAlignmentParameter(Message):
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    def __init__(self, *, pooled_h: int = ..., pooled_w: int = ..., spatial_scale: float = ...) -> None: ...
    def HasField(self, field_name: Literal["pooled_h", "pooled_w", "spatial_scale"]) -> bool: ...
    def ClearField(self, field_name: Literal["pooled_h", "pooled_w", "spatial_scale"]) -> None: ...
