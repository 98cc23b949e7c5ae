"""What other plugins may import: a view of every room on a broker."""

from earmark_mqtt.house import BrokerLine as BrokerLine
from earmark_mqtt.house import House as House
from earmark_mqtt.house import Present as Present
from earmark_mqtt.house import Shown as Shown
from earmark_mqtt.house import Told as Told
from earmark_mqtt.payloads import Home as Home
from earmark_mqtt.payloads import LastMark as LastMark
from earmark_mqtt.payloads import OpenItem as OpenItem
from earmark_mqtt.payloads import OpenItems as OpenItems
from earmark_mqtt.settings import MqttSettings as MqttSettings
