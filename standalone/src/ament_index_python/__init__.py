# Copyright 2026 The vidseg_ros Authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""The ament resource index: which packages are installed, and where.

Prefixes are those of AMENT_PREFIX_PATH and, last, that of the Python environment, so that packages
installed by pip are found.
"""

from ament_index_python.constants import AMENT_PREFIX_PATH_ENV_VAR, RESOURCE_INDEX_SUBFOLDER
from ament_index_python.packages import (
    PackageNotFoundError,
    get_package_prefix,
    get_package_share_directory,
    get_package_share_path,
    get_packages_with_prefixes,
)
from ament_index_python.resources import (
    get_resource,
    get_resource_types,
    get_resources,
    has_resource,
)
from ament_index_python.search_paths import get_search_paths

__all__ = ['AMENT_PREFIX_PATH_ENV_VAR', 'RESOURCE_INDEX_SUBFOLDER', 'PackageNotFoundError',
           'get_package_prefix', 'get_package_share_directory', 'get_package_share_path',
           'get_packages_with_prefixes', 'get_resource', 'get_resource_types', 'get_resources',
           'get_search_paths', 'has_resource']
