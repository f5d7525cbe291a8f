import pytest

from foveate.doctor.processor import check_processor

EPYC = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2 avx512f avx512_bf16\n"
PLAIN = "model name\t: Old\nflags\t\t: fpu avx2\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd bf16\n"


@pytest.fixture
def machine(tmp_path):
    """Folders that look like those of Linux."""

    def of(*, cpuinfo=EPYC, total_kib=8_000_000, available_kib=4_000_000, quota="max 100000", limit="max"):
        (tmp_path / "cpuinfo").write_text(cpuinfo)
        lines = f"MemTotal: {total_kib} kB\nMemFree: 1 kB\nMemAvailable: {available_kib} kB\nHugePages_Total: 0\n"
        (tmp_path / "meminfo").write_text(lines)
        (tmp_path / "cpu.max").write_text(quota + "\n")
        (tmp_path / "memory.max").write_text(limit + "\n")
        return {"proc": tmp_path, "cgroup": tmp_path}

    return of


def by_name(findings):
    return {finding.what: finding for finding in findings}


def test_features_are_named_and_fast_bfloat16_is_fine(machine):
    found = by_name(check_processor("server", **machine()))["features"]
    assert (found.level, found.found) == ("ok", "AMD EPYC: AVX2, AVX-512, AVX-512 BF16")


def test_a_server_without_fast_bfloat16_is_told_that_it_is_slow(machine):
    found = by_name(check_processor("server", **machine(cpuinfo=PLAIN)))["features"]
    assert found.level == "note"
    assert "float32" in found.advice


def test_a_device_needs_no_bfloat16(machine):
    assert by_name(check_processor("device", **machine(cpuinfo=PLAIN)))["features"].level == "ok"


def test_an_arm_processor_is_read_too(machine):
    found = by_name(check_processor("server", **machine(cpuinfo=ARM)))["features"]
    assert found.level == "ok"
    assert "NEON, BF16" in found.found


def test_a_limit_of_the_container_counts_as_the_number_of_cores(machine):
    found = by_name(check_processor("server", **machine(quota="50000 100000")))["cores"]
    assert found.level == "note"
    assert "a limit of 0.5" in found.found


@pytest.mark.parametrize(("role", "level"), [("server", "fail"), ("device", "ok")])
def test_too_little_memory_fails_the_role_that_needs_it(machine, role, level):
    found = by_name(check_processor(role, **machine(available_kib=1_000_000)))["memory"]
    assert found.level == level


def test_a_limit_of_the_container_counts_as_memory(machine):
    found = by_name(check_processor("server", **machine(limit=str(2**29))))["memory"]
    assert (found.level, found.found) == ("fail", "0.5 of 0.5 GiB available")


def test_a_system_without_these_files_is_no_failure(tmp_path):
    assert {f.level for f in check_processor("device", proc=tmp_path, cgroup=tmp_path)} <= {"ok", "note"}
