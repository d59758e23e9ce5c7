"""Tests the simulator with proxmoxer, the most widely used Proxmox client for Python.

The simulator's address, the path of its certificate and the password come from the environment.
Each printed line is a completed step.
"""

import os
import time

from proxmoxer import ProxmoxAPI
from proxmoxer.core import ResourceException

HOST = os.environ["SIM_HOST"]
PORT = int(os.environ["SIM_PORT"])
CERTIFICATE = os.environ["SIM_CERTIFICATE"]
TEMPLATE = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"


def connect(**credentials):
    # requests accepts a CA bundle path as verify_ssl.
    return ProxmoxAPI(HOST, port=PORT, verify_ssl=CERTIFICATE, timeout=20, **credentials)


def wait_for_task(node, upid):
    """Waits for a task. Returns its exit status and log lines."""
    deadline = time.monotonic() + 20
    while True:
        status = node.tasks(upid).status.get()
        if status["status"] == "stopped":
            break
        assert time.monotonic() < deadline, status
        time.sleep(0.01)
    lines = [line["t"] for line in node.tasks(upid).log.get(limit=0)]
    return status["exitstatus"], lines


def journey(api, vmid):
    """Creates, configures and deletes a container."""
    node = api.nodes("pve1")
    upid = node.lxc.create(
        vmid=vmid,
        ostemplate=TEMPLATE,
        hostname="from-python",
        rootfs="local-lvm:2",
        net0="name=eth0,bridge=vmbr0,ip=dhcp",
    )
    exit_status, lines = wait_for_task(node, upid)
    assert exit_status == "OK", (exit_status, lines)
    assert lines[-1] == "TASK OK", lines
    assert any("extracting archive" in line for line in lines), lines
    config = node.lxc(vmid).config.get()
    assert config["hostname"] == "from-python", config
    node.lxc(vmid).config.put(description="created by a script")
    exit_status, lines = wait_for_task(node, node.lxc(vmid).delete())
    assert exit_status == "OK", (exit_status, lines)
    assert vmid not in [int(entry["vmid"]) for entry in node.lxc.get()]


def expect_parameter_errors(api):
    """Expects status 400 with an error for each invalid parameter."""
    try:
        api.nodes("pve1").lxc.create(vmid="7", ostemplate=TEMPLATE, color="green")
    except ResourceException as error:
        assert error.status_code == 400, error
        assert error.content == "Parameter verification failed.", error.content
        assert set(error.errors) == {"vmid", "color"}, error.errors
        assert "schema does not allow" in error.errors["color"], error.errors
        return
    raise AssertionError("invalid parameters were accepted")


def main():
    by_password = connect(user="root@pam", password=os.environ["SIM_PASSWORD"])
    assert by_password.version.get()["release"] == "9.2"
    print("signed in with a password")
    journey(by_password, 200)
    print("created and deleted a container")
    token = by_password.access.users("root@pam").token("python").create(privsep=0)
    by_token = connect(user="root@pam", token_name="python", token_value=token["value"])
    journey(by_token, 201)
    print("created and deleted a container with a token")
    expect_parameter_errors(by_token)
    print("received parameter errors")
    try:
        ProxmoxAPI(HOST, port=PORT, user="root@pam", password="x", verify_ssl=True, timeout=20)
    except Exception as error:
        assert "CERTIFICATE_VERIFY_FAILED" in str(error), error
        print("rejected an untrusted certificate")


if __name__ == "__main__":
    main()
