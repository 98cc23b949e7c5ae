"""What other sources of sound may use of this plugin: any sound made into the room's."""

from earmark_file.mono import Converter as Converter
from earmark_file.mono import Cutter as Cutter
from earmark_file.mono import Floats as Floats
