"""Draws a scene: its photograph, and beside it the object numbers, depths and silhouettes that truth is made of."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveate.world.camera import FAR, Camera
from foveate.world.canvas import Canvas, Layer, distances
from foveate.world.contact import contact_shade
from foveate.world.lamplight import lamplit
from foveate.world.lamps import Lamps, beams, bulbs
from foveate.world.light import facing, shade
from foveate.world.mesh import Floats, Ints, Mesh, painted
from foveate.world.polish import polished
from foveate.world.rain import falling
from foveate.world.scene import Scene
from foveate.world.shadow import SKY, SunMap, hazed, shadowed, sunlit
from foveate.world.textures import Picture
from foveate.world.wet import below, soaked

GROUND, SCENERY, FIRST_OBJECT = 0, 1, 2
"""Numbers in the id picture: ground and sky, standing scenery, then the objects in order."""
REACH = 150.0
"""Objects farther away than this are not drawn, metres."""
_SUN_SIDE, _SUN_FAR = 1536, 160.0
_SOFT = 1440
"""From this height in pixels on the lens blur is wider than the steps of an edge, and several samples gain nothing."""
_SPREAD = 1.3
"""By how much contact shade is wider where light comes from all sides."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """The moving things of a scene at one time, as seen from one place."""

    camera: Camera
    mesh: Mesh
    owner: Ints
    """`(V,)`: object of each vertex."""
    kept: Ints
    """Objects in the mesh, ascending."""
    levels: Ints
    """Level of detail of each."""
    bones: Floats
    """Bones of all actors, see `motion.Tracks.bones`."""
    time: float


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One drawn frame before the sensor."""

    picture: Floats
    """`(H, W, 3)`, 0..255."""
    ids: Ints
    """`(H, W)`: what each pixel shows, see `GROUND`, `SCENERY`, `FIRST_OBJECT`."""
    distance: Floats
    """`(H, W)`: metres along the view."""


def _bytes(colours: Floats) -> NDArray[np.uint8]:
    return (colours * 255 + 0.5).astype(np.uint8)


def _id_paint(numbers: Ints, cosine: Floats) -> NDArray[np.uint8]:
    """Red and green carry the number, blue the cosine to the sun (or, at night, the code of a lit window)."""
    return np.stack([numbers & 255, numbers >> 8, (cosine * 255).astype(np.int32)], axis=1).astype(np.uint8)


class Stage:
    """The canvases for pictures of one size, kept over many scenes: opening a window costs more than a frame."""

    def __init__(self, *, size: tuple[int, int], samples: int | None = None) -> None:
        self.size = size
        self.photo = Canvas(size=size, samples=(4 if size[0] < _SOFT else 0) if samples is None else samples)
        self.truth = Canvas(size=size)

    @cached_property
    def sun(self) -> Canvas:
        """What the sun sees; opened by the first scene that has one."""
        side = max(_SUN_SIDE, self.size[0])
        return Canvas(size=(side, side))

    @cached_property
    def mirror(self) -> Canvas:
        """What wet ground mirrors, at half the size; opened by the first scene that is wet."""
        return Canvas(size=(max(self.size[0] // 2, 1), max(self.size[1] // 2, 1)))

    @property
    def canvases(self) -> list[Canvas]:
        """All that are open."""
        return [canvas for canvas in vars(self).values() if isinstance(canvas, Canvas)]

    def close(self) -> None:
        """Frees the windows."""
        for canvas in self.canvases:
            canvas.close()


class Renderer:
    """Draws one scene on a stage. A stage serves one renderer at a time."""

    def __init__(self, scene: Scene, stage: Stage) -> None:
        self._scene, self._stage = scene, stage
        for canvas in stage.canvases:
            canvas.clear()
        self._fixed: list[Layer] = []
        # Layers are drawn in the order of their making: what is near first spares the shading of what it hides.
        self._photo, self._truth = stage.photo.layer(), stage.truth.layer()
        self._sun = None if scene.light.sun is None else stage.sun.layer()
        self._mirror = None if scene.rain is None and not scene.polish else stage.mirror.layer()
        self._build_scenery()
        self._contact = stage.photo.layer(translucent=True)

    def _build_scenery(self) -> None:
        scenery = self._scene.scenery
        for mesh in scenery.standing:
            self._fix(mesh, ground=False)
        for surface in sorted(scenery.surfaces, key=lambda s: s.ground):
            self._fix(surface.mesh, ground=surface.ground, texture=surface.texture, uv=surface.uv)
        self._fix(scenery.lying, ground=True)
        if self._scene.lamps is not None:
            self._light_windows(self._scene.lamps)
        dome, uv = _dome()
        white = np.full((len(dome.points), 3), 255, np.uint8)
        self._stage.photo.layer(texture=self._scene.dome).fill(dome, white, uv)
        if self._mirror is not None:
            self._stage.mirror.layer(texture=self._scene.dome).fill(dome, white, uv)

    def _light_windows(self, lamps: Lamps) -> None:
        """Windows are part of the photograph's walls: only their codes are drawn."""
        layer = self._stage.truth.layer()
        number = np.full(len(lamps.codes), SCENERY, np.int32)
        paint = _id_paint(number, np.zeros(len(number), np.float32))
        paint[:, 2] = lamps.codes
        layer.fill(lamps.panes, paint)
        self._fixed.append(layer)

    def _fix(self, mesh: Mesh, *, ground: bool, texture: Picture | None = None, uv: Floats | None = None) -> None:
        light = self._scene.light
        colours = shade(light, colours=mesh.colours, normals=mesh.normals, gloss=mesh.gloss, towards_eye=mesh.normals)
        self._stage.photo.layer(texture=texture).fill(mesh, _bytes(colours), uv)
        flat = self._stage.truth.layer()
        number = np.full(len(mesh.points), GROUND if ground else SCENERY, np.int32)
        flat.fill(mesh, _id_paint(number, facing(light, mesh.normals)))
        self._fixed.append(flat)
        if self._sun is not None and not ground:
            self._stage.sun.layer().fill(mesh, np.zeros((len(mesh.points), 3), np.uint8))
        # The ground is what mirrors; a ceiling counts as ground but is mirrored.
        if self._mirror is not None and (not ground or mesh.points[:, 2].min() > 1):
            self._stage.mirror.layer(texture=texture).fill(mesh, _bytes(colours), uv)

    def moment(self, camera: Camera, time: float) -> Moment:
        """The objects that can be in view at `time` seconds."""
        kept = self._scene.near(camera, time, distance=REACH)
        bones = self._scene.tracks.bones(time)
        levels = self._scene.levels(camera, time, kept)
        mesh, owner = self._scene.skin.posed(bones, kept, levels)
        return Moment(camera=camera, mesh=mesh, owner=owner, kept=kept, levels=levels, bones=bones, time=time)

    def frame(self, moment: Moment) -> Frame:
        """Draws the photograph and the id picture of `moment`."""
        self._draw_photo(moment)
        self._draw_ids(moment)
        coded, distance = self._stage.truth.pixels(), distances(self._stage.truth.depths())
        ids = _numbers(coded)
        if self._scene.lamps is not None:
            picture = self._lamplight(moment, coded[..., 2], distance, self._scene.lamps)
        else:
            picture = self._daylight(moment, coded[..., 2], ids, distance)
        return Frame(picture=picture, ids=ids, distance=distance)

    def _lamplight(self, moment: Moment, codes: Picture, distance: Floats, lamps: Lamps) -> Floats:
        """The photograph drawn last by lamplight."""
        where = self._scene.tracks.places(moment.time)
        return lamplit(
            self._stage.photo.pixels(),
            codes=codes,
            distance=distance,
            camera=moment.camera,
            light=self._scene.light,
            lamps=lamps,
            beams=beams(lamps, moment.time, *where),
            bulbs=bulbs(lamps, moment.camera, *where),
        )

    def _daylight(self, moment: Moment, cosine: Picture, ids: Ints, distance: Floats) -> Floats:
        """The photograph drawn last under the sun's shadows, on wet ground, in haze, behind rain."""
        light, rain, camera = self._scene.light, self._scene.rain, moment.camera
        picture = self._stage.photo.pixels()
        shown: Floats = picture.astype(np.float32)
        if self._sun is not None:
            hidden = shadowed(self._sun_map(moment, self._sun), camera, distance)
            shown = sunlit(picture, cosine=cosine, hidden=hidden, light=light)
        haze = np.asarray(light.haze_colour, np.float32) * 255
        view: Any = {"camera": camera, "distance": distance, "time": moment.time}
        if rain is not None:
            # The sky carries the ground's number.
            ground = (ids == GROUND) & (distance < SKY)
            soaked(shown, wet=rain.wet, mirror=self._reflection(camera), ground=ground, **view)
        if self._scene.polish:
            mirror, floor = self._reflection(camera), {"ground": ids == GROUND, "distance": distance}
            polished(shown, share=self._scene.polish, mirror=mirror, camera=camera, **floor)
        hazed(shown, distance=distance, metres=light.haze_m, colour=haze)
        if rain is not None:
            falling(shown, rain=rain, colour=light.haze_colour, **view)
        return shown

    def _reflection(self, camera: Camera) -> Picture:
        self._stage.mirror.look(below(camera))
        self._stage.mirror.draw()
        return self._stage.mirror.pixels()

    def _draw_photo(self, moment: Moment) -> None:
        mesh, eye = moment.mesh, np.asarray(moment.camera.position, np.float32)
        colours = shade(
            self._scene.light,
            colours=mesh.colours,
            normals=mesh.normals,
            gloss=mesh.gloss,
            towards_eye=eye - mesh.points,
        )
        self._photo.fill(mesh, _bytes(colours))
        if self._mirror is not None:
            self._mirror.fill(mesh, _bytes(colours))
        shade_mesh, dark = self._contact_shade(moment)
        black = np.zeros((len(dark), 4), np.uint8)
        black[:, 3] = dark * 110
        self._contact.fill(shade_mesh, black)
        self._stage.photo.look(moment.camera)
        self._stage.photo.draw()

    def _contact_shade(self, moment: Moment) -> tuple[Mesh, Floats]:
        at, heading = self._scene.tracks.places(moment.time)
        kept = moment.kept
        reach = self._scene.reach[kept] * (1.0 if self._sun is not None else _SPREAD)
        return contact_shade(at[kept, :2], reach, heading[kept], at[kept, 2])

    def _draw_ids(self, moment: Moment) -> None:
        number = moment.owner + FIRST_OBJECT
        self._truth.fill(moment.mesh, _id_paint(number, facing(self._scene.light, moment.mesh.normals)))
        self._stage.truth.look(moment.camera)
        self._stage.truth.draw()

    def _sun_map(self, moment: Moment, layer: Layer) -> SunMap:
        layer.fill(moment.mesh, np.zeros((len(moment.mesh.points), 3), np.uint8))
        towards, forward = np.asarray(self._scene.light.sun, np.float32), moment.camera.axes[2]
        half = self._scene.shaded
        centre = np.asarray(moment.camera.position, np.float32) * (1, 1, 0) + forward * (1, 1, 0) * (half - 10)
        centre = centre.astype(np.float32)
        self._stage.sun.look_down(centre=centre, towards=towards, half=half, distance=_SUN_FAR)
        self._stage.sun.draw()
        seen = 1.0 + self._stage.sun.depths() * (2 * _SUN_FAR - 1.0)
        return SunMap(distance=seen, centre=centre, towards=towards, half=half, far=_SUN_FAR)

    def alone(self, moment: Moment, groups: list[Ints]) -> list[Ints]:
        """For each group of objects an id picture as if nothing else existed."""
        for layer in self._fixed:
            layer.show(visible=False)
        pictures = [self._lone(moment, group) for group in groups]
        for layer in self._fixed:
            layer.show(visible=True)
        return pictures

    def _lone(self, moment: Moment, group: Ints) -> Ints:
        levels = moment.levels[np.searchsorted(moment.kept, group)]
        mesh, owner = self._scene.skin.posed(moment.bones, group, levels)
        self._truth.fill(mesh, _id_paint(owner + FIRST_OBJECT, np.zeros(len(owner), np.float32)))
        self._stage.truth.draw()
        return _numbers(self._stage.truth.pixels())


def _numbers(coded: Picture) -> Ints:
    return np.ascontiguousarray(coded[..., :2]).view("<u2")[..., 0].astype(np.int32)


def _dome() -> tuple[Mesh, Floats]:
    """The sky's sphere and the texture coordinates of `textures.sky`: zenith on top, 10 degrees under the horizon."""
    steps = 48
    elevation = np.radians(np.linspace(-20, 90, steps + 1))[:, None]
    # One column more than steps: the last stands where the first does, with another texture coordinate.
    bearing = np.linspace(0, 2 * np.pi, steps + 1)[None]
    grid = [np.cos(elevation) * np.cos(bearing), np.cos(elevation) * np.sin(bearing), np.sin(elevation)]
    points = (FAR * 0.9 * np.stack(np.broadcast_arrays(*grid), axis=-1)).astype(np.float32).reshape(-1, 3)
    up = np.clip((np.degrees(elevation) + 10) / 100, 0.005, 0.995)
    uv = np.stack(np.broadcast_arrays(bearing / (2 * np.pi), up), axis=-1).astype(np.float32).reshape(-1, 2)
    row, column = (index.ravel() for index in np.mgrid[:steps, :steps])
    a = row * (steps + 1) + column
    triangles = np.concatenate([np.stack([a, a + 1, a + steps + 2], 1), np.stack([a, a + steps + 2, a + steps + 1], 1)])
    return painted(points, points, triangles.astype(np.int32), (1, 1, 1)), uv
