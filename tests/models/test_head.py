import pytest
import torch

from foveate.models.head import DenseHead, candidates_of

STRIDES = (8, 16, 32)


def make_head(convolutions: int = 2) -> DenseHead:
    torch.manual_seed(0)
    head = DenseHead(channels=16, classes=3, strides=STRIDES, convolutions=convolutions)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return head.eval()


def make_levels(*, count: int = 2) -> list[torch.Tensor]:
    torch.manual_seed(1)
    return [torch.randn(count, 16, rows, columns) for rows, columns in ((10, 14), (5, 7), (3, 4))]


@pytest.mark.parametrize("convolutions", [0, 1, 2, 4])
@torch.inference_mode()
def test_boxes_of_single_cells_equal_those_of_all_cells_borders_included(convolutions):
    head, levels = make_head(convolutions), make_levels()
    dense, found = head.dense(levels), head(levels, 0.0, 10**6)
    assert len(found) == 2
    for number, candidates in enumerate(found):
        torch.testing.assert_close(candidates.boxes, dense.boxes()[number], atol=1e-4, rtol=1e-5)
        scores, class_id = dense.class_logits[number].sigmoid().max(dim=1)
        torch.testing.assert_close(candidates.scores, scores)
        assert torch.equal(candidates.class_id, class_id)


@torch.inference_mode()
def test_cells_below_the_threshold_are_left_out_and_the_best_ones_kept():
    head, levels = make_head(), make_levels(count=1)
    scores = head.dense(levels).class_logits.sigmoid().amax(dim=2)[0]
    threshold = float(scores.quantile(0.7))
    (found,) = head(levels, threshold, 10**6)
    assert torch.equal(found.scores, scores[scores >= threshold])
    (best,) = head(levels, threshold, 9)
    assert torch.equal(best.scores, scores.topk(9).values)
    boxes = {round(float(s), 6): box for s, box in zip(found.scores, found.boxes, strict=True)}
    for score, box in zip(best.scores, best.boxes, strict=True):
        torch.testing.assert_close(box, boxes[round(float(score), 6)])


@torch.inference_mode()
def test_a_threshold_that_nothing_reaches_gives_no_boxes():
    (found,) = make_head()(make_levels(count=1), 1.1, 10)
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == found.class_id.shape == (0,)


@torch.inference_mode()
def test_candidates_of_the_whole_batch_at_once_equal_those_that_are_looked_for_frame_by_frame():
    torch.manual_seed(0)
    head = DenseHead(16, 3, (8, 16), 2).eval()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    levels = [torch.randn(2, 16, 12, 20), torch.randn(2, 16, 6, 10)]
    for one, other in zip(head(levels, 0.4, 30), candidates_of(head.best(levels, 30), 0.4), strict=True):
        order, its = one.scores.argsort(descending=True), other.scores.argsort(descending=True)
        torch.testing.assert_close(other.scores[its], one.scores[order])
        torch.testing.assert_close(other.boxes[its], one.boxes[order], atol=1e-3, rtol=1e-4)
        assert (other.class_id[its] == one.class_id[order]).all()
