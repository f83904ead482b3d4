"""Training step and inference of four image networks, by functional models, against hand-written PyTorch.

tuned: channels_last, the same numbers as ours (padding that Keras' 'same' puts on one side included: outputs are compared before
anything is timed), activations in place, fused Adam, `inference_mode`. idiomatic: NCHW, the symmetric padding most people write, `Adam()`,
`.item()` at each step, `no_grad`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kcompat import layers as k
from kcompat.models import Model
from parity.speed import Case

BOUNDS = {"tuned": 1.05, "idiomatic": 1.0}
CLASSES = 10


# -- torch's side: the same modules for both; `exact` pads as Keras does ------------------------------------------------------------


class Conv(nn.Conv2d):
    """'same' padding; exact: torch pads what both sides have, and a view of one zero row and column more is made for stride 2."""

    def __init__(self, cin: int, cout: int, size: int = 3, stride: int = 1, groups: int = 1, bias: bool = True, exact: bool = True):
        total = max(size - stride, 0)
        odd = exact and total % 2
        super().__init__(cin, cout, size, stride, total // 2 if odd else size // 2, groups=groups, bias=bias)
        self.odd = (0, 1, 0, 1) if odd else None

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.odd is None else F.pad(x, self.odd))


class Up(nn.ConvTranspose2d):
    """Window 3, stride 2: twice the length; exact: Keras cuts the last row and column."""

    def __init__(self, cin: int, cout: int, exact: bool = True):
        super().__init__(cin, cout, 3, 2, *(() if exact else (1, 1)))
        self.exact = exact

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y[:, :, :-1, :-1] if self.exact else y


def norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, 1e-3, 0.01)


def relu() -> nn.Module:
    return nn.ReLU(inplace=True)


def mean_and_dense(channels: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES)]


def cnn(exact: bool) -> nn.Module:
    conv, pool = partial(Conv, exact=exact), partial(nn.MaxPool2d, 2)
    return nn.Sequential(
        conv(3, 32), relu(), norm(32), conv(32, 32), relu(), pool(),
        conv(32, 64), relu(), norm(64), conv(64, 64), relu(), pool(), *mean_and_dense(64),
    )  # fmt: skip


class Bottleneck(nn.Module):
    def __init__(self, cin: int, width: int, stride: int, exact: bool):
        super().__init__()
        conv = partial(Conv, bias=False, exact=exact)
        cout = 4 * width
        self.main = nn.Sequential(
            conv(cin, width, 1), norm(width), relu(), conv(width, width, 3, stride), norm(width), relu(), conv(width, cout, 1), norm(cout)
        )
        self.beside = nn.Sequential(conv(cin, cout, 1, stride), norm(cout)) if cin != cout or stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu_(self.main(x).add_(self.beside(x)))


class OddPool(nn.Module):
    """Maxima over 3x3, stride 2: Keras' 'same' window reaches over the far edge only."""

    def forward(self, x: Tensor) -> Tensor:
        return F.max_pool2d(x, 3, 2, 0, ceil_mode=True)


def resnet(exact: bool) -> nn.Module:
    return nn.Sequential(
        Conv(3, 64, 7, 2, bias=False, exact=exact), norm(64), relu(), OddPool() if exact else nn.MaxPool2d(3, 2, 1),
        Bottleneck(64, 64, 1, exact), Bottleneck(256, 64, 1, exact), Bottleneck(256, 128, 2, exact), Bottleneck(512, 128, 1, exact),
        *mean_and_dense(512),
    )  # fmt: skip


MOBILE = ((32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1))


def mobilenet(exact: bool) -> nn.Module:
    conv, act = partial(Conv, bias=False, exact=exact), partial(nn.ReLU6, inplace=True)
    blocks = [
        part
        for cin, cout, stride in MOBILE
        for part in (conv(cin, cin, 3, stride, groups=cin), norm(cin), act(), conv(cin, cout, 1), norm(cout), act())
    ]
    return nn.Sequential(conv(3, 32, 3, 2), norm(32), act(), *blocks, *mean_and_dense(256))


WIDTHS = (16, 32, 64)


class UNet(nn.Module):
    def __init__(self, exact: bool):
        super().__init__()
        conv = partial(Conv, exact=exact)
        pairs = [(3, 16), (16, 32), (32, 64)]
        self.down = nn.ModuleList([nn.Sequential(conv(a, b), relu(), conv(b, b), relu()) for a, b in pairs])
        self.up = nn.ModuleList(
            [nn.ModuleList([Up(2 * w, w, exact), nn.Sequential(conv(2 * w, w), relu(), conv(w, w), relu())]) for w in (32, 16)]
        )
        self.last = Conv(16, CLASSES, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for block in self.down:
            x = F.max_pool2d(kept[-1], 2) if kept else x
            x = block(x)
            kept.append(x)
        for (up, block), beside in zip(self.up, reversed(kept[:-1]), strict=True):
            x = block(torch.cat([up(x), beside], 1))
        return self.last(x)


# -- our side -----------------------------------------------------------------------------------------------------------------


class Net:
    """Makes layers, and remembers those with weights in the order of torch's modules."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    def __call__(self, layer: Any, x: Any) -> Any:
        self.made.append(layer)
        return layer(x)

    def conv(self, x: Any, filters: int, size: int = 3, strides: int = 1, **more: Any) -> Any:
        return self(k.Conv2D(filters, size, strides, padding="same", **more), x)

    def norm(self, x: Any, activation: Any = None) -> Any:
        y = self(k.BatchNormalization(), x)
        return y if activation is None else activation()(y)

    def plain(self, x: Any, filters: int, size: int, strides: int = 1, activation: Any = None) -> Any:
        return self.norm(self.conv(x, filters, size, strides, use_bias=False), activation)

    def dense(self, x: Any) -> Any:
        return self(k.Dense(CLASSES), k.GlobalAveragePooling2D()(x))


def keras_relu() -> Any:
    return k.Activation("relu")


def keras_cnn(net: Net, x: Any) -> Any:
    for filters in (32, 64):
        x = net.norm(net.conv(x, filters, activation="relu"))
        x = k.MaxPooling2D()(net.conv(x, filters, activation="relu"))
    return net.dense(x)


def keras_bottleneck(net: Net, x: Any, width: int, strides: int) -> Any:
    y = net.plain(x, width, 1, activation=keras_relu)
    y = net.plain(y, width, 3, strides, keras_relu)
    y = net.plain(y, 4 * width, 1)
    if x.shape[-1] != 4 * width or strides > 1:
        x = net.plain(x, 4 * width, 1, strides)
    return keras_relu()(k.Add()([y, x]))


def keras_resnet(net: Net, x: Any) -> Any:
    x = k.MaxPooling2D(3, 2, padding="same")(net.plain(x, 64, 7, 2, keras_relu))
    for width, strides in ((64, 1), (64, 1), (128, 2), (128, 1)):
        x = keras_bottleneck(net, x, width, strides)
    return net.dense(x)


def keras_mobilenet(net: Net, x: Any) -> Any:
    act = partial(k.ReLU, 6.0)
    x = net.plain(x, 32, 3, 2, act)
    for _, filters, strides in MOBILE:
        x = net.norm(net(k.DepthwiseConv2D(3, strides, padding="same", use_bias=False), x), act)
        x = net.plain(x, filters, 1, activation=act)
    return net.dense(x)


def keras_unet(net: Net, x: Any) -> Any:
    kept = []
    for filters in WIDTHS:
        x = k.MaxPooling2D()(kept[-1]) if kept else x
        x = net.conv(net.conv(x, filters, activation="relu"), filters, activation="relu")
        kept.append(x)
    for filters, beside in ((32, kept[1]), (16, kept[0])):
        x = k.Concatenate()([net(k.Conv2DTranspose(filters, 3, 2, padding="same"), x), beside])
        x = net.conv(net.conv(x, filters, activation="relu"), filters, activation="relu")
    return net.conv(x, CLASSES, 1)


def keras_model(make: Callable[[Net, Any], Any], size: int) -> tuple[Model, list[Any]]:
    net, start = Net(), k.Input((size, size, 3))
    return Model(start, make(net, start)), net.made


# -- the same numbers ---------------------------------------------------------------------------------------------------------


def copy_weights(made: list[Any], hand: nn.Module) -> None:
    """Our weights into the modules of the other side."""
    owners = [m for m in hand.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d))]
    for layer, module in zip(made, owners, strict=True):
        values = [torch.from_numpy(w) for w in layer.get_weights()]
        if isinstance(layer, k.DepthwiseConv2D):
            values[0] = values[0].permute(2, 3, 0, 1)
        elif values[0].ndim == 4:
            values[0] = values[0].permute(3, 2, 0, 1)
        elif values[0].ndim == 2:
            values[0] = values[0].t()
        theirs = [t for t in (module.weight, module.bias, getattr(module, "running_mean", None), getattr(module, "running_var", None))
                  if t is not None]  # fmt: skip
        with torch.no_grad():
            for own, value in zip(theirs, values, strict=True):
                own.copy_(value)


def check_equal(model: Model, hand: nn.Module, x: Tensor) -> None:
    """Outputs in both modes and the gradient of the input, or an error; the moving statistics are put back."""
    state = [{key: value.clone() for key, value in side.state_dict().items()} for side in (model, hand)]
    for training in (False, True):
        found = []
        for side, first in ((model, False), (hand, True)):
            side.train(training)
            start = x.clone().requires_grad_()
            y = side(start.permute(0, 3, 1, 2) if first else start)
            y = y.permute(0, 2, 3, 1) if first and y.ndim == 4 else y
            (y * torch.linspace(-1, 1, y.numel()).view(y.shape)).sum().backward()
            found.append((y.detach(), start.grad))
        for own, other in zip(*found, strict=True):
            assert own is not None and other is not None
            torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-4 * float(other.abs().max()))
    for side, values in zip((model, hand), state, strict=True):
        side.load_state_dict(values)
        side.zero_grad()


# -- what is timed ------------------------------------------------------------------------------------------------------------


def train(model: nn.Module, x: Tensor, y: Tensor, steps: int, *, keras: bool = False, read: bool = False) -> Callable[[], None]:
    """`steps` steps: forward, cross entropy, backward, Adam."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5, fused=None if read else True)
    dense = y.ndim == 1

    def step() -> Tensor:
        optimizer.zero_grad()
        logits = model(x, training=True) if keras else model(x)
        logits = logits if dense or not keras else logits.permute(0, 3, 1, 2)
        loss = F.cross_entropy(logits, y)
        loss.backward()
        optimizer.step()
        return loss

    def run() -> None:
        model.train()
        total: Any = 0.0
        for _ in range(steps):
            loss = step()
            total = total + loss.item() if read else loss.detach()

    return run


def infer(model: nn.Module, x: Tensor, steps: int, guard: Any) -> Callable[[], None]:
    def run() -> None:
        model.eval()
        with guard():
            for _ in range(steps):
                model(x)

    return run


NETWORKS: dict[str, tuple[Any, Any, int, int]] = {  # ours, theirs, side of the image, batch
    "cnn": (keras_cnn, cnn, 32, 32),
    "resnet": (keras_resnet, resnet, 64, 16),
    "mobilenet": (keras_mobilenet, mobilenet, 64, 16),
    "unet": (keras_unet, UNet, 64, 8),
}


def sides(name: str, training: bool) -> dict[str, Callable[[], object]]:
    """The three sides of a network, checked and ready to run."""
    torch.manual_seed(0)
    ours, theirs, size, batch = NETWORKS[name]
    x = torch.randn(batch, size, size, 3)
    y = torch.randint(CLASSES, (batch,) if name != "unet" else (batch, size, size))
    model, made = keras_model(ours, size)
    tuned, plain = theirs(True).to(memory_format=torch.channels_last), theirs(False)
    copy_weights(made, tuned)
    check_equal(model, tuned, x)
    last = x.permute(0, 3, 1, 2)
    first = last.contiguous()
    if training:
        return {
            "kcompat": train(model, x, y, 2, keras=True),
            "tuned": train(tuned, last, y, 2),
            "idiomatic": train(plain, first, y, 2, read=True),
        }
    guards = (torch.inference_mode, torch.inference_mode, torch.no_grad)
    runs = (infer(m, data, 4, guard) for m, data, guard in zip((model, tuned, plain), (x, last, first), guards, strict=True))
    return dict(zip(("kcompat", "tuned", "idiomatic"), runs, strict=True))


def cases() -> list[Case]:
    return [
        Case(f"{name}_{kind}", partial(sides, name, kind == "train"), BOUNDS, 2 if kind == "train" else 4)
        for name in NETWORKS
        for kind in ("train", "infer")
    ]
