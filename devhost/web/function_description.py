"""What /admin/functions says of one function.

Source: Azure/azure-functions-host, WebJobs.Script.WebHost/Extensions/FunctionMetadataExtensions.cs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devhost.functions.description import LoadedFunction


@dataclass(frozen=True, slots=True)
class Descriptions:
    """How the functions of one app are described."""

    base_url: str
    """The address of the listener, without a final slash."""
    script_file: str
    """Name of the app's script, in its root folder."""
    templates: Mapping[str, str]
    """An HTTP function to its route template."""

    def of(self, function: LoadedFunction) -> dict[str, Any]:
        """The JSON object."""
        template = self.templates.get(function.name)
        return {
            "name": function.name,
            "script_root_path_href": f"{self.base_url}/admin/vfs/",
            "script_href": f"{self.base_url}/admin/vfs/{self.script_file}",
            "config_href": None,
            "test_data_href": None,
            "href": f"{self.base_url}/admin/functions/{function.name}",
            "invoke_url_template": None if template is None else f"{self.base_url}/{template}",
            "language": "python",
            "config": {
                "name": function.name,
                "scriptFile": self.script_file,
                "entryPoint": function.entry_point,
                "language": "python",
                "functionDirectory": None,
                "bindings": list(function.bindings),
            },
            "files": None,
            "test_data": None,
            "isDisabled": function.disabled,
            "isDirect": True,
            "isProxy": False,
        }
