"""Chapters 8 to 10: the listings on MNIST, as a notebook has them; `usage.run` executes them.

Written from what the listings do, with their names, numbers, imports and slips: none of these cells needs more than the
line KERAS below, where Keras is not installed. `iterations` is the only number that the tests change.
"""

# As in the docstring of fastgrok.book; a test compares.
KERAS = """
import sys, fastgrok.keras.datasets
sys.modules["keras.datasets"] = fastgrok.keras.datasets
"""

MNIST = """
import sys, numpy as np
from keras.datasets import mnist

(x_train, y_train), (x_test, y_test) = mnist.load_data()

images, labels = (x_train[0:1000].reshape(1000,28*28) / 255, y_train[0:1000])

def one_hot(digits):
    rows = np.zeros((len(digits),10))
    for i,l in enumerate(digits):
        rows[i][l] = 1
    return rows

labels = one_hot(labels)
test_images = x_test.reshape(len(x_test),28*28) / 255
test_labels = one_hot(y_test)

def results(name, error, correct_cnt, count):
    return " %s-Err:%s %s-Acc:%s" % (name, str(error/float(count))[0:5], name, str(correct_cnt/float(count)))
"""

# ------------------------------------------------------------------------------------------------ chapter 8

# Of the output of a relu, relu2deriv is true everywhere.
SMALL_NETWORK = """
np.random.seed(1)
relu = lambda x: (x >= 0) * x
relu2deriv = lambda output: output >= 0
weights_0_1 = 0.2*np.random.random((784,hidden_size)) - 0.1
weights_1_2 = 0.2*np.random.random((hidden_size,10)) - 0.1

def evaluate():
    error, correct_cnt = (0.0, 0)
    for i in range(len(test_images)):
        layer_1 = relu(np.dot(test_images[i:i+1],weights_0_1))
        layer_2 = np.dot(layer_1,weights_1_2)
        error += np.sum((test_labels[i:i+1] - layer_2) ** 2)
        correct_cnt += int(np.argmax(layer_2) == np.argmax(test_labels[i:i+1]))
    sys.stdout.write(results("Test", error, correct_cnt, len(test_images)))
"""

OVERFITTING = f"""
alpha, hidden_size = (0.005, 40)
{SMALL_NETWORK}
for j in range(iterations):
    error, correct_cnt = (0.0, 0)
    for i in range(len(images)):
        layer_0 = images[i:i+1]
        layer_1 = relu(np.dot(layer_0,weights_0_1))
        layer_2 = np.dot(layer_1,weights_1_2)
        error += np.sum((labels[i:i+1] - layer_2) ** 2)
        correct_cnt += int(np.argmax(layer_2) == np.argmax(labels[i:i+1]))

        layer_2_delta = (labels[i:i+1] - layer_2)
        layer_1_delta = layer_2_delta.dot(weights_1_2.T) * relu2deriv(layer_1)
        weights_1_2 += alpha * layer_1.T.dot(layer_2_delta)
        weights_0_1 += alpha * layer_0.T.dot(layer_1_delta)
    sys.stdout.write("\\r I:" + str(j) + results("Train", error, correct_cnt, len(images)))
    if(j % 10 == 0 or j == iterations-1):
        evaluate()
        print()
"""

# The mask goes over what relu lets through twice as large, and over the delta once as large.
DROPOUT = f"""
alpha, hidden_size = (0.005, 100)
{SMALL_NETWORK}
for j in range(iterations):
    error, correct_cnt = (0.0, 0)
    for i in range(len(images)):
        layer_0 = images[i:i+1]
        layer_1 = relu(np.dot(layer_0,weights_0_1))
        dropout_mask = np.random.randint(2, size=layer_1.shape)
        layer_1 *= dropout_mask * 2
        layer_2 = np.dot(layer_1,weights_1_2)
        error += np.sum((labels[i:i+1] - layer_2) ** 2)
        correct_cnt += int(np.argmax(layer_2) == np.argmax(labels[i:i+1]))

        layer_2_delta = (labels[i:i+1] - layer_2)
        layer_1_delta = layer_2_delta.dot(weights_1_2.T) * relu2deriv(layer_1)
        layer_1_delta *= dropout_mask
        weights_1_2 += alpha * layer_1.T.dot(layer_2_delta)
        weights_0_1 += alpha * layer_0.T.dot(layer_1_delta)
    if(j % 10 == 0):
        sys.stdout.write("\\nI:" + str(j))
        evaluate()
        sys.stdout.write(results("Train", error, correct_cnt, len(images)))
"""

# What is counted as right is another digit.
DROPOUT_STEP = """
i = 0
layer_0 = images[i:i+1]
dropout_mask = np.random.randint(2,size=layer_1.shape)

layer_1 *= dropout_mask * 2
layer_2 = np.dot(layer_1, weights_1_2)
error += np.sum((labels[i:i+1] - layer_2) ** 2)
correct_cnt += int(np.argmax(layer_2) == np.argmax(labels[i+i+1]))

layer_2_delta = (labels[i:i+1] - layer_2)
layer_1_delta = layer_2_delta.dot(weights_1_2.T) * relu2deriv(layer_1)
layer_1_delta *= dropout_mask
weights_1_2 += alpha * layer_1.T.dot(layer_2_delta)
weights_0_1 += alpha * layer_0.T.dot(layer_1_delta)
"""

# The update stands in the loop that counts what is right, and so happens a hundred times per batch.
BATCHES = f"""
batch_size = 100
alpha, hidden_size = (0.001, 100)
{SMALL_NETWORK}
for j in range(iterations):
    error, correct_cnt = (0.0, 0)
    for i in range(int(len(images) / batch_size)):
        batch_start, batch_end = ((i * batch_size),((i+1)*batch_size))
        layer_0 = images[batch_start:batch_end]
        layer_1 = relu(np.dot(layer_0,weights_0_1))
        dropout_mask = np.random.randint(2, size=layer_1.shape)
        layer_1 *= dropout_mask * 2
        layer_2 = np.dot(layer_1,weights_1_2)
        error += np.sum((labels[batch_start:batch_end] - layer_2) ** 2)
        for k in range(batch_size):
            goal = labels[batch_start+k:batch_start+k+1]
            correct_cnt += int(np.argmax(layer_2[k:k+1]) == np.argmax(goal))
            layer_2_delta = (labels[batch_start:batch_end]-layer_2)/batch_size
            layer_1_delta = layer_2_delta.dot(weights_1_2.T) * relu2deriv(layer_1)
            layer_1_delta *= dropout_mask
            weights_1_2 += alpha * layer_1.T.dot(layer_2_delta)
            weights_0_1 += alpha * layer_0.T.dot(layer_1_delta)
    if(j % 10 == 0):
        sys.stdout.write("\\nI:" + str(j))
        evaluate()
        sys.stdout.write(results("Train", error, correct_cnt, len(images)))
"""

# ------------------------------------------------------------------------------------------------ chapters 9 and 10

ACTIVATIONS = """
np.random.seed(1)

def tanh(x):
    return np.tanh(x)
def tanh2deriv(output):
    return 1 - (output ** 2)
def softmax(x):
    temp = np.exp(x)
    return temp / np.sum(temp, axis=1, keepdims=True)

alpha, num_labels = (2, 10)
"""

# The delta is divided by the batch's size twice, and tanh2deriv sees what dropout has doubled.
TANH_AND_SOFTMAX = """
batch_size, hidden_size = (100, 100)
weights_0_1 = 0.02*np.random.random((784,hidden_size))-0.01
weights_1_2 = 0.2*np.random.random((hidden_size,num_labels)) - 0.1

for j in range(iterations):
    correct_cnt = 0
    for i in range(int(len(images) / batch_size)):
        batch_start, batch_end=((i * batch_size),((i+1)*batch_size))
        layer_0 = images[batch_start:batch_end]
        layer_1 = tanh(np.dot(layer_0,weights_0_1))
        dropout_mask = np.random.randint(2,size=layer_1.shape)
        layer_1 *= dropout_mask * 2
        layer_2 = softmax(np.dot(layer_1,weights_1_2))
        for k in range(batch_size):
            goal = labels[batch_start+k:batch_start+k+1]
            correct_cnt += int(np.argmax(layer_2[k:k+1]) == np.argmax(goal))

        layer_2_delta = (labels[batch_start:batch_end]-layer_2) / (batch_size * layer_2.shape[0])
        layer_1_delta = layer_2_delta.dot(weights_1_2.T) * tanh2deriv(layer_1)
        layer_1_delta *= dropout_mask
        weights_1_2 += alpha * layer_1.T.dot(layer_2_delta)
        weights_0_1 += alpha * layer_0.T.dot(layer_1_delta)

    test_correct_cnt = 0
    for i in range(len(test_images)):
        layer_2 = np.dot(tanh(np.dot(test_images[i:i+1],weights_0_1)),weights_1_2)
        test_correct_cnt += int(np.argmax(layer_2) == np.argmax(test_labels[i:i+1]))
    if(j % 10 == 0):
        sys.stdout.write("\\nI:" + str(j) + " Test-Acc:" + str(test_correct_cnt/float(len(test_images))) + \\
                         " Train-Acc:" + str(correct_cnt/float(len(images))))
"""

# 25 x 25 places, without the last row and column; and the kernels go the wrong way.
CONVOLUTION = """
batch_size, num_kernels = (128, 16)
kernel_rows, kernel_cols = (3, 3)
hidden_size = 25 * 25 * num_kernels
kernels = 0.02*np.random.random((kernel_rows*kernel_cols,num_kernels))-0.01
weights_1_2 = 0.2*np.random.random((hidden_size,num_labels)) - 0.1

def get_image_section(layer,row_from, row_to, col_from, col_to):
    section = layer[:,row_from:row_to,col_from:col_to]
    return section.reshape(-1,1,row_to-row_from, col_to-col_from)

def patches(layer_0):
    sects = list()
    for row_start in range(layer_0.shape[1]-kernel_rows):
        for col_start in range(layer_0.shape[2]-kernel_cols):
            sects.append(get_image_section(layer_0, row_start, row_start+kernel_rows,
                                           col_start, col_start+kernel_cols))
    expanded_input = np.concatenate(sects,axis=1)
    es = expanded_input.shape
    return expanded_input.reshape(es[0]*es[1],-1)

for j in range(iterations):
    correct_cnt = 0
    for i in range(int(len(images) / batch_size)):
        batch_start, batch_end=((i * batch_size),((i+1)*batch_size))
        flattened_input = patches(images[batch_start:batch_end].reshape(batch_size,28,28))
        kernel_output = flattened_input.dot(kernels)
        layer_1 = tanh(kernel_output.reshape(batch_size,-1))
        dropout_mask = np.random.randint(2,size=layer_1.shape)
        layer_1 *= dropout_mask * 2
        layer_2 = softmax(np.dot(layer_1,weights_1_2))
        for k in range(batch_size):
            goal = labels[batch_start+k:batch_start+k+1]
            correct_cnt += int(np.argmax(layer_2[k:k+1]) == np.argmax(goal))

        layer_2_delta = (labels[batch_start:batch_end]-layer_2) / (batch_size * layer_2.shape[0])
        layer_1_delta = layer_2_delta.dot(weights_1_2.T) * tanh2deriv(layer_1)
        layer_1_delta *= dropout_mask
        weights_1_2 += alpha * layer_1.T.dot(layer_2_delta)
        l1d_reshape = layer_1_delta.reshape(kernel_output.shape)
        k_update = flattened_input.T.dot(l1d_reshape)
        kernels -= alpha * k_update

    test_correct_cnt = 0
    for i in range(len(test_images)):
        kernel_output = patches(test_images[i:i+1].reshape(1,28,28)).dot(kernels)
        layer_2 = np.dot(tanh(kernel_output.reshape(1,-1)),weights_1_2)
        test_correct_cnt += int(np.argmax(layer_2) == np.argmax(test_labels[i:i+1]))
    sys.stdout.write("\\nI:" + str(j) + " Test-Acc:" + str(test_correct_cnt/float(len(test_images))) + \\
                     " Train-Acc:" + str(correct_cnt/float(len(images))))
"""
