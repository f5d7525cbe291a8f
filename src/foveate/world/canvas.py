"""The only file that talks to VTK: a window without a screen, layers of triangles, pixels and depths back."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.world.camera import FAR, NEAR, Camera
from foveate.world.errors import RendererError
from foveate.world.mesh import Floats, Mesh
from foveate.world.textures import Picture

_ADVICE = "cannot open a renderer without a screen (Debian: libegl1 libgl1-mesa-dri)"


@contextmanager
def _quiet() -> Iterator[None]:
    """VTK writes a warning about the missing X server from C++: send file descriptor 2 elsewhere meanwhile."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _vtk() -> Any:
    try:
        # VTK is heavy and optional: nothing but an opened canvas may load it.
        import vtkmodules.vtkRenderingOpenGL2  # noqa: F401, PLC0415
        from vtkmodules import vtkCommonCore, vtkCommonDataModel, vtkRenderingCore  # noqa: PLC0415
    except ImportError as error:
        raise RendererError(f"rendering needs the extra 'world' (pip install foveate[world]): {error}") from error
    return vtkRenderingCore, vtkCommonDataModel, vtkCommonCore


def _support() -> Any:
    from vtkmodules.util import numpy_support  # noqa: PLC0415

    return numpy_support


def _array(values: NDArray[Any]) -> Any:
    return _support().numpy_to_vtk(np.ascontiguousarray(values), deep=1)


class Layer:
    """One set of triangles on a canvas, in flat colours of its vertices, perhaps under a texture."""

    def __init__(self, actor: Any, data: Any, model: Any) -> None:
        self._actor, self._data, self._model = actor, data, model

    def fill(self, mesh: Mesh, colours: NDArray[np.uint8], uv: Floats | None = None) -> None:
        """Shows `mesh` in `colours`, `(V, 3)` or with opacity `(V, 4)`."""
        self._replace(mesh.points, _support().numpy_to_vtkIdTypeArray(mesh.triangles.astype(np.int64).ravel(), deep=1))
        self.paint(colours)
        if uv is not None:
            self._data.GetPointData().SetTCoords(_array(uv))

    def _replace(self, points: Floats, connectivity: Any) -> None:
        from vtkmodules.vtkCommonCore import vtkPoints  # noqa: PLC0415

        holder = vtkPoints()
        holder.SetData(_array(points))
        cells = self._model.vtkCellArray()
        cells.SetData(3, connectivity)
        self._data.SetPoints(holder)
        self._data.SetPolys(cells)

    def paint(self, colours: NDArray[np.uint8]) -> None:
        """Changes the colours alone."""
        scalars = _array(colours)
        scalars.SetName("paint")
        self._data.GetPointData().SetScalars(scalars)
        self._data.Modified()

    def show(self, *, visible: bool) -> None:
        """Shows or hides the layer."""
        self._actor.SetVisibility(visible)


class Canvas:
    """A window of `size` `(height, width)` without a screen; raises `RendererError` where none can be opened."""

    def __init__(self, *, size: tuple[int, int], samples: int = 0) -> None:
        self._core, self._model, self._common = _vtk()
        self.size = size
        with _quiet():
            self._window = self._core.vtkRenderWindow()
            self._window.SetOffScreenRendering(1)
            self._window.SetMultiSamples(samples)
            self._window.SetSize(size[1], size[0])
            self._window.Initialize()
            # Rendering into a window that could not be opened ends the process: ask first.
            if not self._window.GetInitialized():
                raise RendererError(_ADVICE)
            self._renderer = self._core.vtkRenderer()
            self._window.AddRenderer(self._renderer)
            self._renderer.SetBackground(0, 0, 0)
            # The contact shades need no sorting, and order-independent blending costs a pass.
            self._renderer.UseOITOff()

    def layer(self, *, texture: Picture | None = None, translucent: bool = False) -> Layer:
        """A new empty layer."""
        data, mapper, actor = self._model.vtkPolyData(), self._core.vtkPolyDataMapper(), self._core.vtkActor()
        mapper.SetInputData(data)
        mapper.SetScalarModeToUsePointData()
        mapper.SetColorModeToDirectScalars()
        actor.SetMapper(mapper)
        actor.GetProperty().LightingOff()
        if translucent:
            actor.ForceTranslucentOn()
        else:
            actor.ForceOpaqueOn()
        if texture is not None:
            actor.SetTexture(self._texture(texture))
        self._renderer.AddActor(actor)
        return Layer(actor, data, self._model)

    def _texture(self, picture: Picture) -> Any:
        image = self._model.vtkImageData()
        image.SetDimensions(picture.shape[1], picture.shape[0], 1)
        image.GetPointData().SetScalars(_array(picture[::-1].reshape(-1, 3)))
        texture = self._core.vtkTexture()
        texture.SetInputData(image)
        texture.InterpolateOn()
        texture.MipmapOn()
        texture.RepeatOn()
        texture.SetMaximumAnisotropicFiltering(1)
        return texture

    def clear(self) -> None:
        """Removes all layers."""
        self._renderer.RemoveAllViewProps()

    def look(self, camera: Camera) -> None:
        """Sees through `camera`."""
        _, up, forward = camera.axes
        view = self._view(np.asarray(camera.position), forward, up, (NEAR, FAR))
        view.ParallelProjectionOff()
        view.SetViewAngle(np.degrees(camera.field_of_view))

    def look_down(self, *, centre: Floats, towards: Floats, half: float, distance: float) -> None:
        """Sees a square of half side `half` metres about `centre` in parallel rays coming from `towards`."""
        up = np.array([0, 0, 1], np.float32) if abs(towards[2]) < 0.95 else np.array([1, 0, 0], np.float32)
        view = self._view(centre + towards * distance, -towards, up, (1.0, 2 * distance))
        view.ParallelProjectionOn()
        view.SetParallelScale(half)

    def _view(self, eye: Floats, forward: Floats, up: Floats, clipping: tuple[float, float]) -> Any:
        view = self._core.vtkCamera()
        view.SetPosition(*(float(v) for v in eye))
        view.SetFocalPoint(*(float(v) for v in eye + forward))
        view.SetViewUp(*(float(v) for v in up))
        view.SetClippingRange(*clipping)
        self._renderer.SetActiveCamera(view)
        return view

    def draw(self) -> None:
        """Renders what the layers hold now."""
        self._window.Render()

    def pixels(self) -> Picture:
        """The picture drawn last, `(H, W, 3)` RGB."""
        height, width = self.size
        buffer = self._common.vtkUnsignedCharArray()
        self._window.GetPixelData(0, 0, width - 1, height - 1, 0, buffer, 0)
        picture: Picture = _support().vtk_to_numpy(buffer).reshape(height, width, 3)[::-1]
        return picture

    def depths(self) -> Floats:
        """Depth buffer of the picture drawn last, `(H, W)`, 0 at the near and 1 at the far clipping distance."""
        height, width = self.size
        buffer = self._common.vtkFloatArray()
        self._window.GetZbufferData(0, 0, width - 1, height - 1, buffer)
        depth: Floats = _support().vtk_to_numpy(buffer).reshape(height, width)[::-1]
        return depth

    def close(self) -> None:
        """Frees the window."""
        self._window.Finalize()


def distances(depth: Floats) -> Floats:
    """Metres along the view for depths of a perspective canvas."""
    metres: Floats = (NEAR * FAR) / (FAR - depth * (FAR - NEAR))
    return metres
