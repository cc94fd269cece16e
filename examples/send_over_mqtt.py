"""Send a recording to an MQTT broker as if it came from a bed, a frame a second. It needs the extra `live`.

matpose serve --source mqtt://127.0.0.1/ --mat bt3510
python examples/send_over_mqtt.py 127.0.0.1 bed-7 night.h5
"""

from __future__ import annotations

import asyncio
import sys
import time

import aiomqtt
import numpy as np

import matpose
from matpose.live.wire import encode


async def main(host: str, bed: str, path: str) -> None:
    recording = matpose.read(path)
    stored = recording.mat.stored(recording.frames).astype(np.float32)
    scale_kpa = 1.0 if recording.unit == "kPa" else None
    async with aiomqtt.Client(host) as broker:
        for sequence, values in enumerate(stored):
            payload = encode(values, epoch_s=time.time(), sequence=sequence, scale_kpa=scale_kpa)
            await broker.publish(f"matpose/v1/{bed}/frames", payload, qos=1)
            await asyncio.sleep(1)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        asyncio.run(main(*sys.argv[1:]))
    except (matpose.MatposeError, aiomqtt.MqttError) as error:
        sys.exit(str(error))
