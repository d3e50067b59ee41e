"""Reads and writes whole blobs in Azure Storage, or in Azurite."""

import contextlib
from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from devhost.storage_bindings.errors import BadOutputValue

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobServiceClient


async def write_blob(service: "BlobServiceClient", path: str, content: bytes) -> None:
    """Write or replace the blob `container/name`, and create its container if it is missing. Raises AzureError."""
    container, name = split_path(path)
    blob = service.get_blob_client(container, name)
    try:
        await blob.upload_blob(content, overwrite=True)
    except ResourceNotFoundError:
        # Another run may be faster.
        with contextlib.suppress(ResourceExistsError):
            await service.create_container(container)
        await blob.upload_blob(content, overwrite=True)


async def read_blob(service: "BlobServiceClient", path: str) -> bytes | None:
    """The content of the blob `container/name`; None if there is none. Raises AzureError."""
    container, name = split_path(path)
    try:
        stream = await service.get_blob_client(container, name).download_blob()
        return bytes(await stream.readall())
    except ResourceNotFoundError:
        return None


def split_path(path: str) -> tuple[str, str]:
    """Container and name of the blob. Raises BadOutputValue."""
    container, _, name = path.strip("/").partition("/")
    if not container or not name:
        raise BadOutputValue(f"the path '{path}' does not name a blob; write container/name.")
    return container, name
