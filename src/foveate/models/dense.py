"""Detectors whose head predicts at every cell: those that foveate trains."""

from foveate.models.convolutional import ConvDetector
from foveate.models.detector import Detector

DenseDetector = Detector | ConvDetector
